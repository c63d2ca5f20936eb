import { request } from 'node:http';

/** EC2's instance metadata service, version 2. */
const ENDPOINT = 'http://169.254.169.254';
const TIMEOUT_MILLIS = 1_000;

export interface InstanceMetadata {
  /** Each is "" when the service did not say. */
  readonly instanceId: string;
  readonly instanceType: string;
  /** The availability zone id, such as use1-az1. */
  readonly zone: string;
}

/**
 * Asks the metadata service once. Off EC2 nobody answers: after a second, empty strings. Services
 * that look like EC2's may know less: what one does not say is empty, the rest counts.
 */
export async function readInstanceMetadata(endpoint = ENDPOINT): Promise<InstanceMetadata> {
  const signal = AbortSignal.timeout(TIMEOUT_MILLIS);
  try {
    const token = await ask(
      { url: `${endpoint}/latest/api/token`, method: 'PUT', signal },
      { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
    );
    const read = (name: string): Promise<string> =>
      ask(
        { url: `${endpoint}/latest/meta-data/${name}`, method: 'GET', signal },
        { 'x-aws-ec2-metadata-token': token },
      ).catch(() => '');
    return {
      instanceId: await read('instance-id'),
      instanceType: await read('instance-type'),
      zone: await read('placement/availability-zone-id'),
    };
  } catch {
    return { instanceId: '', instanceType: '', zone: '' };
  }
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
