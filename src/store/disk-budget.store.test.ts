import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { DiskBudget } from './disk-budget.ts';
import type { StoredDay } from './flow-store.ts';
import { flowRow, startTestStore, TEST_SECONDS, type TestStore } from './testing.ts';

let bench: TestStore;
let metrics: Metrics;
let stored: StoredDay[];

/** 100 rows, the next day 200, then 300. */
beforeEach(async () => {
  bench = await startTestStore();
  for (const batch of [0, 1, 2]) {
    const row = flowRow({ timeSeconds: TEST_SECONDS + batch * 86_400 });
    await bench.store.insert(Array(100 * (batch + 1)).fill(row), BigInt(batch));
  }
  stored = await bench.store.days();
});
afterEach(() => bench[Symbol.asyncDispose]());

function budgetOf(maxBytes: number, nowSeconds = TEST_SECONDS): DiskBudget {
  metrics = new Metrics();
  const clock = new FakeClock(nowSeconds * 1000);
  const { store } = bench;
  return new DiskBudget({ store, maxBytes, retentionDays: 7, clock, log: silentLog, metrics });
}

const dropped = async (what: 'days' | 'rows', reason: 'budget' | 'retention') =>
  await metrics.value(`nfm_store_dropped_${what}_total`, { reason });

const left = async () => (await bench.store.days()).map(({ day, rows }) => `${day}: ${rows}`);
const bytesOf = (days: readonly StoredDay[]) => days.reduce((sum, { bytes }) => sum + bytes, 0);

test('a budget of 0 is none: the rows are only measured', async () => {
  await budgetOf(0).enforce();
  expect(await left()).toEqual(['2027-01-15: 100', '2027-01-16: 200', '2027-01-17: 300']);
  expect(await metrics.value('nfm_store_rows')).toBe(600);
  expect(await metrics.value('nfm_store_bytes')).toBe(bytesOf(stored));
  expect(await dropped('days', 'budget')).toBe(0);
  expect(await dropped('rows', 'budget')).toBe(0);
});

test('what fits its budget exactly stays', async () => {
  await budgetOf(bytesOf(stored)).enforce();
  expect(await left()).toHaveLength(3);
});

test('the oldest day goes when the rows take a byte more, and is counted', async () => {
  await budgetOf(bytesOf(stored) - 1).enforce();
  expect(await left()).toEqual(['2027-01-16: 200', '2027-01-17: 300']);
  expect(await dropped('days', 'budget')).toBe(1);
  expect(await dropped('rows', 'budget')).toBe(100);
  expect(await metrics.value('nfm_store_rows')).toBe(500);
  expect(await metrics.value('nfm_store_bytes')).toBe(bytesOf(stored.slice(1)));
});

test('as many days go as must, but never the newest', async () => {
  const budget = budgetOf(1);
  await budget.enforce();
  await budget.enforce();
  expect(await left()).toEqual(['2027-01-17: 300']);
  expect(await dropped('days', 'budget')).toBe(2);
  expect(await dropped('rows', 'budget')).toBe(300);
});

test('days wholly past retention go without a budget, and are counted apart', async () => {
  const endOfFirst = Date.parse('2027-01-16') / 1000;
  await budgetOf(0, endOfFirst + 7 * 86_400 - 1).enforce();
  expect(await left()).toHaveLength(3);
  await budgetOf(0, endOfFirst + 7 * 86_400).enforce();
  expect(await left()).toEqual(['2027-01-16: 200', '2027-01-17: 300']);
  expect([await dropped('days', 'retention'), await dropped('rows', 'retention')]).toEqual([
    1, 100,
  ]);
  expect(await dropped('days', 'budget')).toBe(0);
});

test('it looks by itself once it is started', async () => {
  const budget = budgetOf(1);
  await budget.start();
  await expect.poll(left).toEqual(['2027-01-17: 300']);
  await budget.stop();
});

test('an empty store takes nothing', async () => {
  for (const day of stored) await bench.store.dropDay(day);
  await budgetOf(1).enforce();
  expect(await metrics.value('nfm_store_bytes')).toBe(0);
});
