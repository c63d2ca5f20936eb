import { request } from 'node:http';
import type { NetworkCard } from '../../model/report.ts';

/** EC2's instance metadata service, version 2. */
const ENDPOINT = 'http://169.254.169.254';
const TIMEOUT_MILLIS = 1_000;

/** No instance type has more cards. Services that imitate EC2's may list more. */
const MAX_CARDS = 64;

export interface InstanceMetadata {
  /** Each member is "" when the service does not have it. */
  readonly instanceId: string;
  readonly instanceType: string;
  /** The machine image of the instance. */
  readonly imageId: string;
  /** The availability zone id, for example use1-az1. */
  readonly zone: string;
  /** The zone's name in this account, for example us-east-1a. */
  readonly zoneName: string;
  readonly account: string;
  readonly region: string;
  readonly cards: readonly NetworkCard[];
}

export const NO_METADATA: InstanceMetadata = {
  ...{
    instanceId: '',
    instanceType: '',
    imageId: '',
    zone: '',
    zoneName: '',
    account: '',
    region: '',
  },
  cards: [],
};

/** Reads a path behind /latest/; "" when the service does not have it. */
type Read = (path: string) => Promise<string>;

/**
 * Reads the metadata service once. Outside of EC2 nothing answers, and the result is empty after a
 * second. Services that imitate EC2's may lack some values; those are empty.
 */
export async function readInstanceMetadata(endpoint = ENDPOINT): Promise<InstanceMetadata> {
  const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
  try {
    const token = await ask(
      { url: `${endpoint}/latest/api/token`, method: 'PUT', signal },
      { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
    );
    return await readAll((path) =>
      ask(
        { url: `${endpoint}/latest/${path}`, method: 'GET', signal },
        { 'x-aws-ec2-metadata-token': token },
      ).catch(() => ''),
    );
  } catch {
    return NO_METADATA;
  }
}

async function readAll(read: Read): Promise<InstanceMetadata> {
  const document = readDocument(await read('dynamic/instance-identity/document'));
  return {
    instanceId: await read('meta-data/instance-id'),
    instanceType: await read('meta-data/instance-type'),
    zone: await read('meta-data/placement/availability-zone-id'),
    zoneName: await read('meta-data/placement/availability-zone'),
    region: await read('meta-data/placement/region'),
    ...document,
    cards: await readCards(read),
  };
}

function readDocument(document: string): Pick<InstanceMetadata, 'account' | 'imageId'> {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  try {
    const identity: { readonly accountId?: unknown; readonly imageId?: unknown } =
      JSON.parse(document);
    return { account: text(identity.accountId), imageId: text(identity.imageId) };
  } catch {
    return { account: '', imageId: '' };
  }
}

/** The network cards, the primary one first. */
async function readCards(read: Read): Promise<readonly NetworkCard[]> {
  const root = 'meta-data/network/interfaces/macs/';
  const lines = (await read(root)).split('\n').filter((line) => line !== '');
  const primary = await read('meta-data/mac');
  const macs = lines.map((line) => line.replace(/\/$/, ''));
  const ordered = [
    ...macs.filter((mac) => mac === primary),
    ...macs.filter((mac) => mac !== primary),
  ];
  const cards: NetworkCard[] = [];
  for (const mac of ordered.slice(0, MAX_CARDS)) {
    const of = (name: string): Promise<string> => read(`${root}${mac}/${name}`);
    cards.push({
      id: await of('interface-id'),
      mac,
      subnetId: await of('subnet-id'),
      vpcId: await of('vpc-id'),
    });
  }
  return cards;
}

interface Question {
  readonly url: string;
  readonly method: string;
  readonly signal: AbortSignal;
}

function ask(question: Question, headers: Readonly<Record<string, string>>): Promise<string> {
  const { url, method, signal } = question;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, signal, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8').trim();
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`the metadata service answers ${answer.statusCode}`));
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
