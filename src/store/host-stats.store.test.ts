import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HostStatsRow } from '../model/host-stats.ts';
import { sql } from './sql.ts';
import { flowRow, oneSlice, startTestStore, TEST_SECONDS, type TestStore } from './testing.ts';

let bench: TestStore;
beforeEach(async () => {
  bench = await startTestStore();
});
afterEach(() => bench[Symbol.asyncDispose]());

const MAX = Number.MAX_SAFE_INTEGER;
const card = (interfaceId: string): HostStatsRow => ({
  timeSeconds: TEST_SECONDS,
  owner: { account: '000000000000', region: 'us-east-1' },
  instanceId: 'i-1',
  interfaceId,
  counters: { bw_out_allowance_exceeded: 3, rx_dropped: MAX },
});
const cards = [card('eni-1'), card('eni-2')];
const flows = [flowRow({ servicePort: 1 }), flowRow({ servicePort: 2 })];

const stored = () =>
  bench.store.query(
    sql`SELECT interface, bw_out_allowance_exceeded AS exceeded, rx_dropped AS dropped, tx_dropped AS untold FROM host_stats ORDER BY interface`,
  );
const both = ['eni-1', 'eni-2'].map((id) => ({
  interface: id,
  exceeded: '3',
  dropped: String(MAX),
  untold: null,
}));
const flowCount = async () =>
  (await bench.store.query<{ rows: string }>(sql`SELECT count() AS rows FROM flows`))[0]?.rows;

test('the counters of network cards are stored once with their batch, missing ones as null', async () => {
  await bench.store.insert(oneSlice(flows, cards), 7n);
  await bench.store.insert(oneSlice(flows, cards), 7n);
  await bench.store.insertMissing(oneSlice(flows, cards), 7n);
  expect(await stored()).toEqual(both);
  expect(await flowCount()).toBe('2');
});

test('a batch that was interrupted after its flows is completed', async () => {
  await bench.store.insert(oneSlice(flows), 7n);
  await bench.store.insertMissing(oneSlice(flows, cards), 7n);
  expect(await stored()).toEqual(both);
  expect(await flowCount()).toBe('2');
});

test('dropping a day drops its counters', async () => {
  await bench.store.insert(oneSlice(flows, cards), 7n);
  const [day] = await bench.store.days();
  await bench.store.dropDay({ day: day?.day ?? '' });
  expect(await stored()).toEqual([]);
  expect(await bench.store.days()).toEqual([]);
});
