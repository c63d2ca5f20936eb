import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnrichedFlow } from '../../model/enriched-flow.ts';
import { VALUE_NAMES } from '../../model/flow-metrics.ts';
import { param, sql } from '../../store/sql.ts';
import {
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../../store/testing.ts';
import { isRefused, type LifeCounts, lifeOf } from '../cells/life.ts';
import { PLACES, WIDTH } from '../channels/registry.ts';
import { constructsOfRow, type GroupsOf } from '../constructs/flow-constructs.ts';
import { SharedConstructs } from '../constructs/shared-constructs.ts';
import type { ConstructSelection } from '../constructs/window-constructs.ts';
import type { HealthWindow } from '../health-window.ts';
import { PARAMETERS } from '../parameters.ts';
import { CellHistory } from '../storage/cell-history.ts';
import { CLICKHOUSE_TABLES } from '../storage/clickhouse-tables.ts';
import { KeptInputs } from '../storage/kept-inputs.ts';
import { WindowReader } from '../storage/window-reader.ts';
import { Evidence } from './evidence.ts';
import { cellsSql } from './first-pass-sql.ts';
import { windowCells } from './window-cells.ts';

let stored: TestStore;
let reader: WindowReader;
let kept: KeptInputs;
let history: CellHistory;
beforeAll(async () => {
  stored = await startTestStore({ tables: CLICKHOUSE_TABLES });
  reader = new WindowReader(stored.store, PARAMETERS);
  kept = new KeptInputs(stored.store, PARAMETERS);
  history = new CellHistory(stored.store, PARAMETERS);
});
afterAll(() => stored[Symbol.asyncDispose]());

const WINDOW_SECONDS = 30;
const NOTHING: ConstructSelection = { shared: [], ends: [] };
let batch = 0n;
let windows = 0;

function nextWindow(): HealthWindow {
  windows += 1;
  const startSeconds = TEST_SECONDS + windows * WINDOW_SECONDS;
  return {
    owner: { account: '000000000000', region: 'us-east-1' },
    startSeconds,
    endSeconds: startSeconds + WINDOW_SECONDS,
    monitors: [],
  };
}

/** Hosts have one of two images. */
const groupsOf: GroupsOf = ({ instanceId }) => [
  { class: 'image', id: `ami-${instanceId.at(-1) === '0'}` },
];

const count = (max: number) => fc.oneof(fc.constant(0), fc.nat(9), fc.nat(max));
/** Flow values with ranges of their own, in which faults occur now and then. */
const RANGES: Readonly<Record<string, fc.Arbitrary<number>>> = {
  segments_delivered: count(50_000),
  retrans_est: count(2_000),
  rtos_est: count(3),
  bytes_delivered: count(1e6),
  retrans_syn: count(3),
  connect_attempts: count(5),
  connect_us_count: count(5),
  severed_connect: count(2),
  busy_us: count(2e7),
  rwnd_limited_us: count(1e7),
  rtt_us_count: fc.constantFrom(0, 1, 3),
};
const flow = fc.record({
  host: fc.nat(4),
  remote: fc.nat(4),
  port: fc.constantFrom(443, 80),
  rtt: fc.integer({ min: 100, max: 40_000 }),
  values: fc.record<Record<string, number>>(
    Object.fromEntries(VALUE_NAMES.map((name) => [name, RANGES[name] ?? count(1_000)])),
  ),
});
type RandomFlow = typeof flow extends fc.Arbitrary<infer Flow> ? Flow : never;

function rowOf(random: RandomFlow, timeSeconds: number): EnrichedFlow {
  const { host, remote, port, rtt, values } = random;
  return flowRow({
    timeSeconds,
    category: host % 2 === remote % 2 ? 'INTRA_AZ' : 'INTER_AZ',
    localAddress: `10.0.${host}.7`,
    remoteAddress: `10.0.${remote}.9`,
    servicePort: port,
    local: { subnetId: `s${host}`, vpcId: 'v', az: `az${host % 2}`, instanceId: `i${host}` },
    remote: { subnetId: `s${remote}`, vpcId: 'v', az: `az${remote % 2}` },
    values: { ...values, rtt_us_sum: rtt * (values.rtt_us_count ?? 0), rtt_us_min: rtt },
  });
}

/** A window with these flows. */
async function storedWindow(flows: readonly RandomFlow[]): Promise<HealthWindow> {
  const window = nextWindow();
  batch += 1n;
  const rows = flows.map((each) => rowOf(each, window.startSeconds + 5));
  await stored.store.insert(oneSlice(rows), batch);
  return window;
}

/** The shared constructs of a window and its cells' paths. */
async function constructsOf(window: HealthWindow) {
  const shared = new SharedConstructs(window.startSeconds);
  const pairs = await reader.pairs(window);
  const instances = await reader.instances(window);
  const paths = shared.add({ pairs, instances }, { constructsOf: constructsOfRow, groupsOf });
  return { shared: shared.list, paths };
}

/** The evidence about each construct in a window of these flows, in SQL and in TypeScript. */
async function evidenceOf(flows: readonly RandomFlow[]) {
  const window = await storedWindow(flows);
  const { shared, paths } = await constructsOf(window);
  const inputsId = String(windows);
  await kept.keepCells(window, { inputsId, paths, only: undefined, limit: 1_000 });
  const rows = await kept.cells({ ...window, inputsId });
  const { cells, constructs } = windowCells({
    rows,
    shared,
    limits: { exceeded: [], within: [] },
    only: undefined,
    alarmed: new Set(),
  });
  const { totals } = new Evidence(cells, constructs.names.length, PARAMETERS);
  const { constructs: first } = await reader.firstPass(window, paths, -1e9);
  const remotes = new Set(rows.map(({ remote }) => remote));
  expect(first.length).toBe(constructs.names.length - remotes.size);
  await history.learn(window, paths, NOTHING);
  return first.map(({ construct, totals: found }) => {
    const c = typeof construct === 'number' ? construct : constructs.names.indexOf(construct);
    return { found, expected: totals.subarray(c * WIDTH, (c + 1) * WIDTH) };
  });
}

/** Gives some of the random cells the history that the latency channel needs. */
async function learnHealthyWindows() {
  const values = { segments_delivered: 1_000, bytes_delivered: 1e6, rtt_us_count: 1 };
  const healthy = [0, 1].flatMap((host) =>
    [0, 1, 2, 3, 4].map((remote) => ({ host, remote, port: 443 as const, rtt: 1_000, values })),
  );
  for (let i = 0; i < PARAMETERS.rttMinWindows + 2; i += 1) {
    const window = await storedWindow(healthy);
    const { paths } = await constructsOf(window);
    await history.learn(window, paths, NOTHING);
  }
}

test('SQL and TypeScript find the same evidence in every channel, with and without history', async () => {
  await learnHealthyWindows();
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(flow, { minLength: 1, maxLength: 40 }), async (flows) => {
      for (const { found, expected } of await evidenceOf(flows)) {
        for (const [channel, { from, to }] of Object.entries(PLACES)) {
          const nats = found.slice(from, to);
          if (nats.some((each) => each !== 0)) seen.add(channel);
          const off = nats.map((each, k) => Math.abs(each - (expected[from + k] as number)));
          // Terms have at most 7 nats, so the error is relative to the sum.
          const bad = off.filter(
            (each, k) => !(each <= 1e-6 * Math.max(1, Math.abs(nats[k] ?? 0))),
          );
          expect({ channel, bad }).toEqual({ channel, bad: [] });
        }
      }
    }),
    { numRuns: 25 },
  );
  // The comparison proves nothing about a channel without evidence.
  expect([...seen].sort()).toEqual(Object.keys(PLACES).sort());
}, 300_000);

/** Each cell of these flows with its life, and whether it was refused, by the rules in TypeScript. */
function livesOf(flows: readonly RandomFlow[]): string[] {
  const keyOf = ({ host, remote, port }: RandomFlow) => `${host} ${remote} ${port}`;
  return [...new Set(flows.map(keyOf))].map((key) => {
    const own = flows.filter((each) => keyOf(each) === key);
    const sum = (name: string) => own.reduce((total, { values }) => total + (values[name] ?? 0), 0);
    const counts: LifeCounts = {
      bytesDelivered: sum('bytes_delivered'),
      segments: Math.max(sum('segments_delivered'), sum('retrans_est')),
      timeouts: sum('rtos_est'),
      attempts: sum('connect_attempts'),
      connected: sum('connect_us_count'),
      synsAgain: sum('retrans_syn'),
      failed: sum('severed_connect'),
      busyMicros: sum('busy_us'),
      rwndLimitedMicros: sum('rwnd_limited_us'),
    };
    const [host, remote] = key.split(' ');
    return `i${host} ${remote} ${lifeOf(counts, PARAMETERS)} ${Number(isRefused(counts))}`;
  });
}

test('SQL and TypeScript agree on the life of a cell and on refused connections', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(flow, { minLength: 10, maxLength: 40 }), async (flows) => {
      const rows = await stored.store.query<{ cell: string }>(
        sql`SELECT concat(substring(host, 6), ' ', splitByChar('.', toString(remote_ip))[3], ' ', toString(life), ' ', toString(refused)) AS cell FROM (${cellsSql(await storedWindow(flows), PARAMETERS)})`,
      );
      expect(rows.map(({ cell }) => cell).sort()).toEqual(livesOf(flows).sort());
    }),
    { numRuns: 10 },
  );
});

test('ClickHouse tables have the columns that the channels declare', async () => {
  for (const table of CLICKHOUSE_TABLES) {
    const columns = await stored.store.query<{ name: string; type: string }>(
      sql`SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ${param('String', table.name)}`,
    );
    const declared = table.columns.map(({ name, type }) => ({ name, type }));
    expect(columns).toEqual(expect.arrayContaining(declared));
    expect(columns.length).toBe(declared.length);
  }
});
