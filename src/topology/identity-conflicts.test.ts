import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { ClaimRepository } from './claim-repository.ts';
import { GraphSnapshot } from './snapshot/graph-snapshot.ts';
import { describeHost, link } from './testing.ts';
import { Topology } from './topology.ts';

const owner = { account: '111111111111', region: 'us-east-1' };
const NOW = 1_800_000_000;

let database: Database;
let metrics: Metrics;
let topology: Topology;
let warnings: string[];

beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  metrics = new Metrics();
  warnings = [];
  const clock = new FakeClock(NOW * 1000);
  const graph = new GraphSnapshot();
  topology = new Topology({
    claims: new ClaimRepository({ database, clock, retentionSeconds: 86_400 }),
    graph: () => graph,
    log: { ...silentLog, warn: (message) => void warnings.push(message) },
    metrics,
  });
  await topology.start();
});
afterEach(async () => {
  await topology.stop();
  await database.destroy();
});

type Reported = readonly [hostName: string, address: string, atSeconds: number, id?: string];

function report(...[hostName, address, atSeconds, instanceId = '']: Reported): string {
  const host = describeHost({ instanceId, hostName, interfaces: [link(address, 24)] });
  return topology.observe(owner, host, NOW + atSeconds).instanceId;
}

const conflicts = () => topology.conflictsOf(owner.account).map(({ kind }) => kind);

test('two copies of one image are noticed, shown and then told apart by host name', async () => {
  const merged = report('web-a', '10.0.1.10', 0);
  expect(report('web-b', '10.0.1.20', 1)).toBe(merged);
  const a = report('web-a', '10.0.1.10', 30);
  const b = report('web-b', '10.0.1.20', 31);
  expect(new Set([merged, a, b]).size).toBe(3);
  expect(report('web-a', '10.0.1.10', 60)).toBe(a);
  expect(topology.conflictsOf(owner.account)).toMatchObject([
    {
      kind: 'shared-identity',
      subject: merged,
      message: 'web-a (10.0.1.10) and web-b (10.0.1.20) report as one instance',
    },
  ]);
  expect(topology.conflictsOf('222222222222')).toEqual([]);
  expect(warnings).toEqual(['hosts have conflicting identities']);
  expect(await metrics.value('nfm_topology_identity_conflicts')).toBe(1);
});

test('hosts that report one instance id keep it', () => {
  const id = 'i-0123456789abcdef0';
  for (const at of [0, 30]) {
    expect(report('web-a', '10.0.1.10', at, id)).toBe(id);
    expect(report('web-b', '10.0.1.20', at, id)).toBe(id);
  }
  expect(conflicts()).toEqual(['shared-identity']);
});

test('a host that changes its name and addresses is no conflict', () => {
  report('web-a', '10.0.1.10', 0);
  report('web-b', '10.0.1.20', 30);
  report('web-b', '10.0.1.20', 60);
  expect(conflicts()).toEqual([]);
});

test('an address that two hosts claim in turns is a conflict, and one that moved is not', () => {
  const [one, other] = ['i-0123456789abcdef0', 'i-0fedcba9876543210'];
  report('a', '10.0.1.10', 0, one);
  report('b', '10.0.1.10', 30, other);
  report('b', '10.0.1.10', 60, other);
  expect(conflicts()).toEqual([]);
  report('a', '10.0.1.10', 61, one);
  report('b', '10.0.1.10', 90, other);
  expect(conflicts()).toEqual(['shared-address']);
});

test('a report without an identity is counted', async () => {
  topology.observe(owner, describeHost({ instanceId: '', machineId: '' }), NOW);
  expect(await metrics.value('nfm_topology_unidentified_reports_total')).toBe(1);
});
