import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import type { Monitor } from '../model/monitor.ts';
import {
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../store/testing.ts';
import { constructsOfRow, type GroupsOf, type SharedPart } from './constructs/flow-constructs.ts';
import { HealthService } from './health-service.ts';
import { PARAMETERS } from './parameters.ts';
import { CLICKHOUSE_TABLES } from './storage/clickhouse-tables.ts';
import { HealthTables } from './storage/health-tables.ts';
import { LOSSY, monitorTo, type Traffic, trafficFlows } from './testing.ts';

const WINDOW = 30;
const REGION = 'us-east-1';

let stored: TestStore;
beforeAll(async () => {
  stored = await startTestStore({ tables: CLICKHOUSE_TABLES });
});
afterAll(() => stored[Symbol.asyncDispose]());

let database: Database;
let tables: HealthTables;
let clock: FakeClock;
let account: string;
let accounts = 0;
let batch = 0n;
beforeEach(async () => {
  accounts += 1;
  groupsOf = () => [];
  moved = [];
  hasRoom = true;
  isCaughtUp = () => true;
  account = String(accounts).padStart(12, '0');
  database = await openDatabase({ url: 'sqlite::memory:' });
  tables = new HealthTables(database);
  // Hours after the test before. Otherwise the accounts of all tests so far would be judged too.
  clock = new FakeClock((TEST_SECONDS + accounts * 7_200) * 1000);
});
afterEach(() => database.destroy());

const owner = () => ({ account, region: REGION });

/** The groups of a host, by its instance id. */
let groupsOf: GroupsOf;
let hasRoom: boolean;
let isCaughtUp: () => boolean;
/** Further constructs that every flow traverses. */
let moved: readonly SharedPart[];

async function service(monitors: readonly Monitor[] = [monitorTo('vpc-b'), monitorTo('vpc-c')]) {
  const made = new HealthService({
    store: stored.store,
    tables,
    monitors: () => Promise.resolve(monitors.map((monitor) => ({ owner: owner(), monitor }))),
    constructsOf: (...ends) => [...constructsOfRow(...ends), ...moved],
    groupsOf: (...instance) => groupsOf(...instance),
    isCaughtUp: () => isCaughtUp(),
    hasRoom: () => hasRoom,
    parameters: PARAMETERS,
    clock,
    newId: randomUUID,
    log: silentLog,
    metrics: new Metrics(),
    options: { windowSeconds: WINDOW, retentionSeconds: 7 * 86_400 },
  });
  await made.start();
  await made.stop();
  return made;
}

async function report(timeSeconds: number, traffic?: Traffic) {
  batch += 1n;
  await stored.store.insert(oneSlice(trafficFlows(account, timeSeconds, traffic)), batch);
}

/** Stores the counters of the network cards of the hosts of vpc-a. */
async function hostStats(timeSeconds: number, exceededBy: (host: number) => number) {
  batch += 1n;
  const rows = Array.from({ length: 4 }, (_, host) => ({
    timeSeconds,
    owner: owner(),
    instanceId: `i-vpc-a-${host}`,
    interfaceId: 'eni-1',
    counters: { bw_out_allowance_exceeded: exceededBy(host), rx_dropped: 1 },
  }));
  await stored.store.insert(oneSlice([], rows), batch);
}

/** Judges this many windows from the clock's time on, each with the same traffic. */
async function windows(health: HealthService, count: number, traffic?: Traffic | 'silence') {
  for (let i = 0; i < count; i += 1) {
    const start = clock.now() / 1000;
    if (traffic !== 'silence') await report(start + 5, traffic);
    clock.advance(WINDOW * 1000);
    // A window is due some seconds after its end.
    clock.advance(10_000);
    await health.judgeDue(new AbortController().signal);
    clock.advance(-10_000);
  }
}

async function verdictOn(monitorName: string) {
  const explanation = await tables.explanationAt(owner(), monitorName, clock.now() / 1000);
  if (explanation === undefined) return undefined;
  const { state, healthIndicator: indicator, sentence } = explanation;
  return { state, indicator, sentence };
}

const incidents = () => tables.incidents(owner(), { startSeconds: 0, endSeconds: 2 ** 31 });

test('loss on one of two links degrades the right monitor and blames the link until it is repaired', async () => {
  const health = await service();
  await windows(health, 3);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'healthy', indicator: 0 });

  await windows(health, 1, LOSSY);
  const worst = await verdictOn('to-vpc-b');
  expect(worst).toMatchObject({ state: 'degraded', indicator: 1 });
  expect(worst?.sentence).toContain('the link between VPCs vpc-a>vpc-b lose 2');
  expect(worst?.sentence).toContain('The same hosts lose 0% on every other path');
  expect(await verdictOn('to-vpc-c')).toMatchObject({ state: 'healthy', indicator: 0 });
  expect(await incidents()).toMatchObject([
    {
      kind: 'network',
      constructs: [{ id: 'vpc-a>vpc-b', class: 'vpc-pair' }],
      setsIndicator: true,
      monitors: ['to-vpc-b'],
      isFlapping: false,
    },
  ]);
  expect((await tables.constructs(owner()))[0]).toMatchObject({
    construct: { id: 'vpc-a>vpc-b' },
    state: 'degraded',
  });

  await windows(health, 2);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'healthy', indicator: 0 });
  const [incident] = await incidents();
  expect(incident?.closedAt).toBeDefined();
  expect(incident?.timeline.map(({ what }) => what)).toEqual(['opened', 'closed']);
  expect(incident?.flows[0]).toMatchObject({ segments: 2_000, retrans: 40 });
});

test('a minute has the sums of its flows, and late reports no longer change it after two more', async () => {
  const health = await service();
  const first = clock.now() / 1000;
  await windows(health, 2, LOSSY);
  const range = { startSeconds: first, endSeconds: first + 60 };
  const minute = async () => (await tables.minutes(owner(), 'to-vpc-b', range))[0];
  expect(await minute()).toMatchObject({
    state: 'degraded',
    healthIndicator: 1,
    dataTransferred: 24_000_000,
    retransmissions: 960,
    timeouts: 0,
    roundTripTime: 1_000,
    isFinal: false,
  });
  await report(first + 6, LOSSY);
  await windows(health, 4);
  const final = await minute();
  expect(final).toMatchObject({ dataTransferred: 36_000_000, isFinal: true });
  await report(first + 7, { change: () => ({ retrans_est: 2_000 }) });
  await windows(await service(), 4);
  expect(await minute()).toEqual(final);
});

test('a restarted server goes on with its state', async () => {
  await windows(await service(), 2, LOSSY);
  const [before] = await incidents();
  await windows(await service(), 1, LOSSY);
  expect(await incidents()).toEqual([before]);
  await windows(await service(), 2);
  expect((await incidents())[0]?.closedAt).toBeDefined();
});

test('without flows the indicator is neither 0 nor 1', async () => {
  const health = await service();
  await windows(health, 2, 'silence');
  expect(await verdictOn('to-vpc-b')).toEqual({
    state: 'insufficient',
    indicator: undefined,
    sentence: 'Cannot tell: none of its flows sent anything over the network.',
  });
});

test('the verdict names the class priors until there is a history', async () => {
  const health = await service();
  await windows(health, 1, LOSSY);
  const first = await tables.explanationAt(owner(), 'to-vpc-b', clock.now() / 1000);
  expect(first).toMatchObject({ state: 'degraded', baseline: 'class priors' });
  await windows(health, 2);
  const later = await tables.explanationAt(owner(), 'to-vpc-c', clock.now() / 1000);
  expect(later?.baseline).toBe('learned');
});

test('one host alone blames no network', async () => {
  const health = await service();
  await windows(health, 2, { ...LOSSY, hosts: 1 });
  const verdict = await verdictOn('to-vpc-b');
  expect(verdict?.indicator).not.toBe(1);
});

test('flows of categories that do not count leave the indicator alone', async () => {
  const health = await service([
    { ...monitorTo('vpc-b'), monitorName: 'all', remoteResources: [] },
  ]);
  const start = clock.now() / 1000;
  batch += 1n;
  await stored.store.insert(
    oneSlice(
      Array.from({ length: 40 }, (_, i) =>
        flowRow({
          account,
          timeSeconds: start + 5,
          category: 'INTERNET',
          localAddress: `10.97.0.${i % 8}`,
          remoteAddress: `93.184.1.${i}`,
          local: { vpcId: 'vpc-a', instanceId: `i-${i % 8}` },
          values: { segments_delivered: 2_000, retrans_est: 400 },
        }),
      ),
    ),
    batch,
  );
  await windows(health, 2, 'silence');
  const verdict = await verdictOn('all');
  expect(verdict).toMatchObject({ state: 'insufficient', indicator: undefined });
});

test('a host whose allowance counter rose is at its limit, another is only sick', async () => {
  const health = await service();
  await windows(health, 2);
  const sick: Traffic = {
    change: (host) => (host < 2 ? { retrans_est: 60 } : {}),
  };
  await hostStats(clock.now() / 1000 + 6, (host) => (host === 0 ? 918 : 0));
  await windows(health, 1, sick);
  const kinds = (await tables.constructs(owner()))
    .filter(({ construct }) => construct.class === 'host')
    .map(({ construct, finding }) => [construct.id, finding?.kind]);
  expect(Object.fromEntries(kinds)).toMatchObject({
    'i-vpc-a-0': 'instance-limit',
    'i-vpc-a-1': 'host',
  });
  expect(await verdictOn('to-vpc-b')).toMatchObject({ indicator: 0 });
});

test('loss of all hosts of one image is a rollout, and the instance type of all hosts is not blamed', async () => {
  groupsOf = ({ instanceId }) => [
    { class: 'image', id: instanceId < 'i-vpc-a-2' ? 'ami-new' : 'ami-old' },
    { class: 'instance-type', id: 'm6a.large' },
  ];
  const health = await service();
  await windows(health, 2);
  await windows(health, 1, { change: (host) => (host < 2 ? { retrans_est: 60 } : {}) });
  const found = await tables.constructs(owner());
  const image = found.find(({ construct }) => construct.id === 'ami-new');
  expect(image?.finding?.kind).toBe('rollout');
  expect(found.filter(({ construct }) => construct.class === 'instance-type')).toEqual([]);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ indicator: 0 });
});

test('a verdict can be repeated from its stored inputs after more was learned', async () => {
  const monitors = [monitorTo('vpc-b'), monitorTo('vpc-c')];
  const health = await service(monitors);
  await windows(health, 3);
  const judgedSeconds = clock.now() / 1000;
  await windows(health, 1, LOSSY);
  const at = clock.now() / 1000;
  const kept = await tables.explanationAt(owner(), 'to-vpc-b', at - 1);
  expect(kept).toMatchObject({ state: 'degraded' });
  const again = () => health.judgeAgain(owner(), 'to-vpc-b', judgedSeconds);
  expect(await again()).toEqual(kept);
  // Learn more windows, store a late report, and ask another server.
  await report(judgedSeconds + 7, { change: () => ({ retrans_est: 1_000 }) });
  await windows(health, 4);
  expect(await again()).toEqual(kept);
  const other = await service(monitors);
  expect(await other.judgeAgain(owner(), 'to-vpc-b', judgedSeconds)).toEqual(kept);
  // A window that needed no search has no stored inputs.
  expect(await health.judgeAgain(owner(), 'to-vpc-b', judgedSeconds - 60)).toBeUndefined();
});

test('flows cut from reports count in completeness and are no cells', async () => {
  const health = await service();
  const start = clock.now() / 1000;
  batch += 1n;
  await stored.store.insert(
    oneSlice(
      [0, 1].map((host) => ({
        ...flowRow({
          account,
          timeSeconds: start + 5,
          category: 'UNCLASSIFIED',
          localAddress: '::',
          remoteAddress: '::',
          servicePort: 0,
          local: { vpcId: 'vpc-a', instanceId: `i-vpc-a-${host}` },
          values: { segments_delivered: 1_000, retrans_est: 900, bytes_delivered: 2_000_000 },
        }),
        flowsCut: 3,
      })),
    ),
    batch,
  );
  await windows(health, 1);
  const explanation = await tables.explanationAt(owner(), 'to-vpc-b', clock.now() / 1000);
  // Four hosts have six flows of 1 MB each. Two of them also cut three flows of 2 MB in all.
  expect(explanation?.completeness).toEqual({ hosts: 1, flowsCut: 6 / 30, bytesCut: 4 / 28 });
  expect(explanation).toMatchObject({ state: 'healthy', power: { cells: 12 } });
});

test('reports with a wrong clock belong to other windows and do no harm', async () => {
  const health = await service();
  await windows(health, 2);
  const now = clock.now() / 1000;
  await report(now + 3_000, LOSSY);
  await report(now - 3_000, LOSSY);
  await windows(health, 2);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'healthy', indicator: 0 });
  expect(await incidents()).toEqual([]);
});

test('a topology that changes during an incident keeps the incident', async () => {
  const health = await service();
  await windows(health, 2);
  await windows(health, 1, LOSSY);
  const before = await incidents();
  // All flows take another route from here on.
  moved = [{ class: 'tgw', id: 'tgw-new', changedSeconds: clock.now() / 1000 }];
  await windows(health, 2, LOSSY);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'degraded', indicator: 1 });
  expect((await incidents()).map(({ incidentId }) => incidentId)).toContain(before[0]?.incidentId);
  await windows(health, 4);
  expect((await incidents()).every(({ closedAt }) => closedAt !== undefined)).toBe(true);
});

test('counters at their maximum do not set the indicator', async () => {
  const health = await service();
  await windows(health, 2);
  const max = 2 ** 32 - 1;
  await windows(health, 2, {
    change: (host, vpc) =>
      host === 0 && vpc === 'vpc-b'
        ? {
            segments_delivered: Number.MAX_SAFE_INTEGER,
            retrans_est: max,
            rtt_us_count: max,
            rtt_us_sum: Number.MAX_SAFE_INTEGER,
            rtt_us_min: 0,
            connect_attempts: max,
            retrans_syn: max,
            busy_us: 0,
            rwnd_limited_us: max,
          }
        : {},
  });
  expect((await verdictOn('to-vpc-b'))?.indicator).not.toBe(1);
});

test('a window waits for a store that lags until it has caught up', async () => {
  const health = await service();
  await windows(health, 2);
  // The store catches up while the other owners are judged.
  const answers = [false];
  isCaughtUp = () => answers.shift() ?? true;
  await windows(health, 1, LOSSY);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'healthy' });
  clock.advance(10_000);
  await health.judgeDue(new AbortController().signal);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'degraded' });
});

test('judging pauses while the disk is nearly full', async () => {
  const health = await service();
  await windows(health, 2);
  hasRoom = false;
  await windows(health, 2, LOSSY);
  expect(await incidents()).toEqual([]);
  hasRoom = true;
  await windows(health, 1, LOSSY);
  expect(await verdictOn('to-vpc-b')).toMatchObject({ state: 'degraded' });
  const [incident] = await incidents();
  // The first LOSSY window, which ended two windows ago, opened it.
  expect(Date.parse(incident?.openedAt ?? '') / 1000).toBe(clock.now() / 1000 - 2 * WINDOW);
});
