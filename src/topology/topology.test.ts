import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import type { HostDescription } from '../model/report.ts';
import { CLAIM_SECONDS } from './address-book.ts';
import { ClaimRepository } from './claim-repository.ts';
import { GraphSnapshot } from './snapshot/graph-snapshot.ts';
import { describeHost, link, nic, snapshotOf, vpc } from './testing.ts';
import { Topology } from './topology.ts';

const owner = { account: '000000000000', region: 'us-east-1' };
const NOW = 1_800_000_000;
const RETENTION = 7 * 86_400;

let folder: string;
let database: Database;
let clock: FakeClock;
let metrics: Metrics;
let topology: Topology;
let graph: GraphSnapshot;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-topology-'));
  clock = new FakeClock(NOW * 1000);
  await restart();
});

afterEach(async () => {
  await topology.stop();
  await database.destroy();
  rmSync(folder, { recursive: true });
});

/** Opens database and topology again, like a server restarted on the same folder. */
async function restart(): Promise<void> {
  database = await openDatabase({ url: `sqlite:${join(folder, 'control.db')}` });
  metrics = new Metrics();
  const claims = new ClaimRepository({ database, clock, retentionSeconds: RETENTION });
  graph = new GraphSnapshot();
  topology = new Topology({ claims, graph: () => graph, log: silentLog, metrics });
  await topology.start();
}

async function stop(): Promise<void> {
  await topology.stop();
  await database.destroy();
}

const locate = (address: string, host: HostDescription, timeSeconds = NOW) => {
  const { vpcId } = topology.observe(owner, host, timeSeconds);
  return topology.snapshot().locate(address, { owner, vpcId, timeSeconds });
};

test('the next snapshot has the claims of a report, and earlier ones do not', () => {
  const host = describeHost();
  const before = topology.snapshot();
  const { vpcId, instanceId, subnetOf } = topology.observe(owner, host, NOW);
  const vantage = { owner, vpcId, timeSeconds: NOW };
  expect(before.locate('10.0.1.7', vantage)).toBeUndefined();
  const subnetId = subnetOf.get('10.0.1.7');
  expect(topology.snapshot().locate('10.0.1.7', vantage)).toMatchObject({ instanceId, subnetId });
});

test('a new snapshot is made only after a change', () => {
  topology.observe(owner, describeHost(), NOW);
  const first = topology.snapshot();
  topology.observe(owner, describeHost(), NOW + 30);
  expect(topology.snapshot()).toBe(first);
  topology.observe(owner, describeHost({ zone: 'use1-az2' }), NOW + 60);
  expect(topology.snapshot()).not.toBe(first);
});

test('a host that goes on reporting keeps its address, in earlier snapshots too', () => {
  const { vpcId } = topology.observe(owner, describeHost(), NOW);
  const snapshot = topology.snapshot();
  for (let time = NOW; time <= NOW + 3_600; time += 30)
    topology.observe(owner, describeHost(), time);
  const timeSeconds = NOW + 3_600 + CLAIM_SECONDS;
  expect(snapshot.locate('10.0.1.7', { owner, vpcId, timeSeconds })).toMatchObject({
    instanceId: 'i-0123456789abcdef0',
  });
});

test('an address that moved to another host resolves to its owner at the time', () => {
  const { vpcId } = topology.observe(owner, describeHost(), NOW);
  const heir = describeHost({ instanceId: 'i-0fedcba9876543210' });
  topology.observe(owner, heir, NOW + 1_000);
  const at = (timeSeconds: number) =>
    topology.snapshot().locate('10.0.1.7', { owner, vpcId, timeSeconds })?.instanceId;
  expect(at(NOW)).toBe('i-0123456789abcdef0');
  expect(at(NOW + 1_000)).toBe('i-0fedcba9876543210');
});

test('a lookup of an address that two hosts claim at once is counted', async () => {
  topology.observe(owner, describeHost({ instanceId: 'i-0fedcba9876543210' }), NOW);
  expect(locate('10.0.1.7', describeHost())).toMatchObject({ instanceId: '' });
  expect(await metrics.value('nfm_topology_ambiguous_lookups_total')).toBe(1);
});

test('a host whose prefix changed is in its new subnet', () => {
  const { vpcId } = topology.observe(owner, describeHost(), NOW);
  const moved = describeHost({ interfaces: [link('10.0.1.7', 16)] });
  const { subnetOf } = topology.observe(owner, moved, NOW + 30);
  const vantage = { owner, vpcId, timeSeconds: NOW + 30 };
  expect(topology.snapshot().locate('10.0.1.7', vantage)?.subnetId).toBe(subnetOf.get('10.0.1.7'));
});

test('an instance has the image and type that its host reports', () => {
  const host = describeHost({ imageId: 'ami-1', instanceType: 'm6a.large' });
  const { instanceId } = topology.observe(owner, host, NOW);
  expect(topology.snapshot().instance({ account: owner.account, instanceId }, NOW)).toMatchObject({
    imageId: 'ami-1',
    instanceType: 'm6a.large',
  });
});

test('a host without a network or an id claims nothing', async () => {
  topology.observe(owner, describeHost({ network: undefined }), NOW);
  topology.observe(owner, describeHost({ instanceId: '', machineId: '' }), NOW);
  expect(await metrics.value('nfm_topology_claims')).toBe(0);
});

test('claims and their times come back after a restart', async () => {
  topology.observe(owner, describeHost(), NOW);
  topology.observe(owner, describeHost(), NOW + 250);
  const { vpcId } = topology.observe(
    owner,
    describeHost({ interfaces: [link('10.0.2.7', 24)] }),
    NOW,
  );
  const vantage = { owner, vpcId, timeSeconds: NOW + 250 + CLAIM_SECONDS };
  const known = topology.snapshot().locate('10.0.1.7', vantage);
  expect(known).toBeDefined();
  await stop();
  await restart();
  expect(topology.snapshot().locate('10.0.1.7', vantage)).toEqual(known);
  expect(await metrics.value('nfm_topology_claims')).toBe(2);
});

test('claims that differ only in their prefix are both kept over a restart', async () => {
  topology.observe(owner, describeHost(), NOW);
  topology.observe(owner, describeHost({ interfaces: [link('10.0.1.7', 16)] }), NOW);
  await stop();
  await restart();
  expect(await metrics.value('nfm_topology_claims')).toBe(2);
});

test('while the database fails nothing is lost, because the next save repeats it', async () => {
  const rename = (from: string, to: string) =>
    database.schema.alterTable(from).renameTo(to).execute();
  topology.observe(owner, describeHost(), NOW);
  await rename('topology_address_claims', 'away');
  await expect(topology.save()).rejects.toThrow('cannot save the topology');
  expect(locate('10.0.1.7', describeHost())).toBeDefined();
  await rename('away', 'topology_address_claims');
  await topology.save();
  await stop();
  await restart();
  expect(await metrics.value('nfm_topology_claims')).toBe(1);
});

test('claims older than any flow are deleted at the start', async () => {
  topology.observe(owner, describeHost(), NOW - RETENTION - 1);
  topology.observe(owner, describeHost({ interfaces: [link('10.0.2.7', 24)] }), NOW - RETENTION);
  await stop();
  await restart();
  expect(await metrics.value('nfm_topology_claims')).toBe(1);
});

test('claims older than any flow are deleted while the server runs', async () => {
  topology.observe(owner, describeHost(), NOW);
  topology.observe(owner, describeHost({ interfaces: [link('10.0.2.7', 24)] }), NOW + 4_000);
  await topology.save();
  clock.advance((RETENTION + 3_700) * 1000);
  await topology.expire();
  expect(await metrics.value('nfm_topology_claims')).toBe(1);
  await stop();
  await restart();
  expect(await metrics.value('nfm_topology_claims')).toBe(1);
});

test('an instance of the graph is in its network there, and its claims are dropped', async () => {
  graph = snapshotOf(
    { ...vpc('vpc-a', '10.0.0.0/16'), ...owner },
    nic('eni-1', 'vpc-a', {
      ...owner,
      addresses: ['10.0.1.7'],
      instanceId: 'i-0123456789abcdef0',
    }),
  );
  const { vpcId } = topology.observe(owner, describeHost(), NOW);
  expect(vpcId).toBe('vpc-a');
  expect(await metrics.value('nfm_topology_claims')).toBe(0);
  expect(locate('10.0.1.7', describeHost())).toMatchObject({ instanceId: 'i-0123456789abcdef0' });
});

test('a new snapshot is made after a change of the graph', () => {
  const first = topology.snapshot();
  graph = snapshotOf(vpc('vpc-a', '10.0.0.0/16'));
  expect(topology.snapshot()).not.toBe(first);
  expect(topology.snapshot()).toBe(topology.snapshot());
});
