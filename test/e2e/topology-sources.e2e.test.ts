import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { NetworkFlowMonitor } from '../../src/client/network-flow-monitor.ts';
import { waitUntilScopeSucceeded } from '../../src/client/waiters.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import { instanceId, networkId, subnetId } from '../../src/topology/derived-ids.ts';
import {
  Ec2StandIn,
  SERVER_KEY_ID,
  SILENCE,
  UNAUTHORIZED_OPERATION,
} from '../../src/topology/sources/aws/testing.ts';
import { ApiServerStandIn } from '../../src/topology/sources/kubernetes/testing.ts';
import { encodeBody, makeReport } from '../load/report-source.ts';
import { knock, REPORT_HEADERS, signed } from './door.ts';

const ec2 = new Ec2StandIn();
const cluster = new ApiServerStandIn();
const target = { account: '000000000000', region: 'us-east-1' };
let folder: string;
let server: ServerProcess | undefined;

beforeAll(async () => {
  await ec2.start();
  await cluster.start();
  folder = await mkdtemp(join(tmpdir(), 'nfm-sources-'));
  // The server inherits this environment; the AWS SDK reads it.
  process.env.AWS_ACCESS_KEY_ID = SERVER_KEY_ID;
  process.env.AWS_SECRET_ACCESS_KEY = 'secret';
  process.env.AWS_ENDPOINT_URL = ec2.url;
});
afterAll(async () => {
  await ec2.stop();
  await cluster.stop();
  await rm(folder, { recursive: true });
});
afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const ROLE = `arn:aws:iam::${target.account}:role/nfm`;
const AWS = ['--aws-topology', '--aws-role-name', 'nfm'];

/** Sends a request to the extension API as the administrator. */
async function ask(running: ServerProcess, request: string, text = '') {
  const [method = '', path = ''] = request.split(' ');
  const body = Buffer.from(text);
  const to = { method, target: `/api/v1/${path}` };
  const credentials = await running.credentials('default');
  const headers = text === '' ? {} : { 'content-type': 'application/yaml' };
  const signedHeaders = signed(body, { credentials, headers, ...to });
  return await knock(running.endpoint, { ...to, headers: signedHeaders, body });
}

async function createScope(running: ServerProcess) {
  const { endpoint } = running;
  const credentials = await running.credentials('default');
  const client = new NetworkFlowMonitor({ endpoint, region: target.region, credentials });
  const targetId = { accountId: target.account };
  const { scopeId } = await client.createScope({
    targets: [{ targetIdentifier: { targetId, targetType: 'ACCOUNT' }, region: target.region }],
  });
  return { client, scopeId };
}

test('every configured source is read, and a scope succeeds when its targets have been read', async () => {
  ec2.clear();
  ec2.allowRole(ROLE);
  ec2.set(target, { DescribeVpcs: [{ vpcId: 'vpc-1', cidrBlock: '10.0.0.0/16' }] });
  const prefix = { ip_prefix: '192.0.2.0/24', region: 'us-east-1', service: 'S3' };
  const inventory = await fileOf('inventory.yaml', 'networks: [{ name: office }]');
  const flags = [
    ...AWS,
    ...['--aws-ip-ranges', await fileOf('ranges.json', JSON.stringify({ prefixes: [prefix] }))],
    ...['--inventory', inventory],
    ...['--kubernetes', `prod=${await fileOf('kubeconfig', cluster.kubeconfig)}@office`],
  ];
  const running = await ServerProcess.start({ flags });
  server = running;
  const { client, scopeId } = await createScope(running);
  await waitUntilScopeSucceeded({ client, maxWaitSeconds: 30 }, { scopeId });
  expect(ec2.count('DescribeVpcs')).toBeGreaterThan(0);
  await vi.waitFor(
    async () => {
      const { sources } = JSON.parse((await ask(running, 'GET topology/status')).text);
      const read = sources.filter((one: { error?: string }) => one.error === undefined);
      expect(read.map((one: { source: string; slice: string }) => one.slice).sort()).toEqual(
        [inventory, '000000000000/us-east-1', 'ip-ranges', 'prod'].sort(),
      );
    },
    { timeout: 30_000 },
  );
  expect(await running.stop()).toBe(0);
});

test('a scope fails if its target denies reading', async () => {
  ec2.clear();
  ec2.allowRole(ROLE);
  ec2.fail = ({ action }) => (action === 'DescribeSubnets' ? UNAUTHORIZED_OPERATION : undefined);
  const running = await ServerProcess.start({ flags: AWS });
  server = running;
  const { client, scopeId } = await createScope(running);
  const scope = waitUntilScopeSucceeded({ client, maxWaitSeconds: 30 }, { scopeId });
  await expect(scope).rejects.toThrow(`scope ${scopeId} is FAILED`);
  const reason = 'access denied in account 000000000000 (us-east-1): ec2:DescribeSubnets';
  expect(JSON.parse((await ask(running, `GET scopes/${scopeId}/topology`)).text)).toMatchObject({
    status: 'FAILED',
    reason,
    sources: [{ source: 'aws', slice: '000000000000/us-east-1', error: reason }],
  });
});

test('a server whose calls to EC2 are never answered stops when it is told to', async () => {
  ec2.clear();
  ec2.allowRole(ROLE);
  ec2.fail = ({ action }) => (action === 'DescribeVpcs' ? SILENCE : undefined);
  const running = await ServerProcess.start({ flags: AWS });
  server = running;
  const { client, scopeId } = await createScope(running);
  await vi.waitFor(() => expect(ec2.count('DescribeVpcs')).toBe(1), { timeout: 30_000 });
  expect(await client.getScope({ scopeId })).toMatchObject({ status: 'IN_PROGRESS' });
  expect(await running.stop()).toBe(0);
});

const INVENTORY = `
networks:
  - name: load
    subnets:
      - { name: clients, prefixes: [10.64.0.0/24], zone: use1-az2 }
      - { name: databases, prefixes: [10.64.9.0/24], zone: use1-az1 }
    hosts: [{ name: db-1, addresses: [10.64.9.7] }]
`;

test('an uploaded inventory enriches later flows, and survives a restart', async () => {
  const running = await ServerProcess.start();
  server = running;
  const agent = await running.credentials('agent');
  /** The stored flows of host 1 to an address. */
  const flowTo = async (address: string) => {
    const random = seededRandom(1);
    const made = { host: 1, flows: 1, random, remotes: [address], timeMillis: Date.now() };
    const body = encodeBody(makeReport(made));
    const headers = signed(body, { credentials: agent, headers: REPORT_HEADERS });
    expect(await knock(running.endpoint, { headers, body })).toMatchObject({ status: 200 });
    await running.waitUntilStored();
    const { text } = await ask(running, `GET flows?remoteIp=${address}`);
    return JSON.parse(text).flows;
  };
  expect(await flowTo('10.64.9.6')).toMatchObject([{ category: 'UNCLASSIFIED' }]);
  expect(await ask(running, 'PUT topology/inventory', INVENTORY)).toMatchObject({ status: 200 });
  const owner = { account: target.account, region: target.region };
  const lookUp = await ask(running, 'GET topology/lookup?address=10.64.9.7');
  expect(JSON.parse(lookUp.text).found).toMatchObject([
    { instanceId: instanceId(owner, 'db-1'), az: 'use1-az1' },
  ]);
  expect(await flowTo('10.64.9.7')).toMatchObject([
    {
      remoteInstance: instanceId(owner, 'db-1'),
      remoteSubnet: subnetId(networkId(owner, 'load'), '10.64.9.0/24'),
      remoteAz: 'use1-az1',
      category: 'INTER_AZ',
    },
  ]);
  expect(await ask(running, 'PUT topology/inventory', 'networks: 1')).toMatchObject({
    status: 400,
    error: 'ValidationException',
    text: '{"message":"line 1: networks: expected a list"}',
  });
  await running.stop();
  await running.restart();
  expect(await ask(running, 'GET topology/inventory')).toMatchObject({
    status: 200,
    text: INVENTORY,
  });
  // The flow of both reports is one row of the explorer, because its ends are enriched equally.
  expect(await flowTo('10.64.9.7')).toMatchObject([{ category: 'INTER_AZ' }]);
});
