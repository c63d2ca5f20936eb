import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EnrichedFlow } from '../../model/enriched-flow.ts';
import {
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../../store/testing.ts';
import { constructsOfRow, type GroupsOf } from '../constructs/flow-constructs.ts';
import { SharedConstructs } from '../constructs/shared-constructs.ts';
import type { HealthWindow } from '../health-window.ts';
import { PARAMETERS } from '../parameters.ts';
import { WindowReader } from '../storage/window-reader.ts';
import { COLUMNS } from './cell-state.ts';
import { Evidence } from './evidence.ts';
import { windowCells } from './window-cells.ts';

let stored: TestStore;
let reader: WindowReader;
beforeAll(async () => {
  stored = await startTestStore();
  reader = new WindowReader(stored.store, {
    parameters: PARAMETERS,
    retentionSeconds: 7 * 86_400,
  });
  await reader.start();
});
afterAll(() => stored[Symbol.asyncDispose]());

const WINDOW_SECONDS = 30;
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

/** Of two images. */
const groupsOf: GroupsOf = (instance) => [{ class: 'image', id: `ami-${instance.at(-1) === '0'}` }];

const count = (max: number) => fc.oneof(fc.constant(0), fc.nat(9), fc.nat(max));
const flow = fc.record({
  host: fc.nat(4),
  remote: fc.nat(4),
  port: fc.constantFrom(443, 80),
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
  rtt: fc.integer({ min: 100, max: 40_000 }),
});
type RandomFlow = typeof flow extends fc.Arbitrary<infer Flow> ? Flow : never;

function rowOf(random: RandomFlow, timeSeconds: number): EnrichedFlow {
  const { host, remote, port, rtt, ...values } = random;
  return flowRow({
    timeSeconds,
    category: host % 2 === remote % 2 ? 'INTRA_AZ' : 'INTER_AZ',
    localAddress: `10.0.${host}.7`,
    remoteAddress: `10.0.${remote}.9`,
    servicePort: port,
    local: { subnetId: `s${host}`, vpcId: 'v', az: `az${host % 2}`, instanceId: `i${host}` },
    remote: { subnetId: `s${remote}`, vpcId: 'v', az: `az${remote % 2}` },
    values: { ...values, rtt_us_sum: rtt * values.rtt_us_count, rtt_us_min: rtt },
  });
}

test('the first pass in SQL finds what the search does in TypeScript, with and without history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(flow, { minLength: 1, maxLength: 40 }), async (flows) => {
      const window = nextWindow();
      batch += 1n;
      await stored.store.insert(
        oneSlice(flows.map((each) => rowOf(each, window.startSeconds + 5))),
        batch,
      );
      const shared = new SharedConstructs(window.startSeconds);
      const pairs = await reader.pairs(window);
      const instances = await reader.instances(window);
      const paths = shared.add({ pairs, instances }, { constructsOf: constructsOfRow, groupsOf });
      const inputsId = String(windows);
      await reader.keepCells(window, { inputsId, paths, only: undefined, limit: 1_000 });
      const rows = await reader.cells(window, inputsId);
      const { cells, constructs } = windowCells({
        rows,
        shared: shared.list,
        limits: { exceeded: [], within: [] },
        only: undefined,
        alarms: [],
      });
      const { totals } = new Evidence(cells, constructs.names.length, PARAMETERS);
      const { constructs: first } = await reader.firstPass(window, paths, -1e9);
      expect(first.length).toBe(
        constructs.names.length - new Set(rows.map(({ remote }) => remote)).size,
      );
      for (const { construct, totals: found } of first) {
        const c = typeof construct === 'number' ? construct : constructs.names.indexOf(construct);
        const expected = totals.subarray(c * COLUMNS, (c + 1) * COLUMNS);
        for (const [k, nats] of found.entries()) {
          const off = Math.abs(nats - (expected[k] as number));
          // Of sums: as far as their terms were, each at most 7 nats.
          expect(off).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(nats)));
        }
      }
      await reader.learn(window, paths, { shared: [], ends: [] });
    }),
    { numRuns: 25 },
  );
});
