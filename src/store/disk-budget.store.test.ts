import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { DiskBudget } from './disk-budget.ts';
import type { StoredDay } from './flow-store.ts';
import { sql } from './sql.ts';
import { defineTable } from './tables/table.ts';
import { flowRow, oneSlice, startTestStore, TEST_SECONDS, type TestStore } from './testing.ts';

const WEEKS = defineTable({
  name: 'weeks',
  keptDays: 21,
  columns: [{ name: 'week', type: 'Date' }],
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS weeks (week Date) ENGINE = MergeTree PARTITION BY week ORDER BY week TTL week + toIntervalDay(21)`,
    },
  ],
});

let bench: TestStore;
let metrics: Metrics;
let stored: StoredDay[];

/** Three days with 100, 200 and 300 rows. */
beforeEach(async () => {
  bench = await startTestStore();
  for (const batch of [0, 1, 2]) {
    const row = flowRow({ timeSeconds: TEST_SECONDS + batch * 86_400 });
    await bench.store.insert(oneSlice(Array(100 * (batch + 1)).fill(row)), BigInt(batch));
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

test('a budget of 0 is no limit: the rows are only measured', async () => {
  await budgetOf(0).enforce();
  expect(await left()).toEqual(['2027-01-15: 100', '2027-01-16: 200', '2027-01-17: 300']);
  expect(await metrics.value('nfm_store_rows')).toBe(600);
  expect(await metrics.value('nfm_store_bytes')).toBe(bytesOf(stored));
  expect(await dropped('days', 'budget')).toBe(0);
  expect(await dropped('rows', 'budget')).toBe(0);
});

test('rows that fit the budget exactly are kept', async () => {
  await budgetOf(bytesOf(stored)).enforce();
  expect(await left()).toHaveLength(3);
});

test('the oldest day is dropped and counted when the rows exceed the budget by a byte', async () => {
  await budgetOf(bytesOf(stored) - 1).enforce();
  expect(await left()).toEqual(['2027-01-16: 200', '2027-01-17: 300']);
  expect(await dropped('days', 'budget')).toBe(1);
  expect(await dropped('rows', 'budget')).toBe(100);
  expect(await metrics.value('nfm_store_rows')).toBe(500);
  expect(await metrics.value('nfm_store_bytes')).toBe(bytesOf(stored.slice(1)));
});

test('as many days are dropped as needed, but never the newest', async () => {
  const budget = budgetOf(1);
  await budget.enforce();
  await budget.enforce();
  expect(await left()).toEqual(['2027-01-17: 300']);
  expect(await dropped('days', 'budget')).toBe(2);
  expect(await dropped('rows', 'budget')).toBe(300);
});

test('days past the retention are dropped without a budget, and counted separately', async () => {
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

test('it runs by itself once it is started', async () => {
  const budget = budgetOf(1);
  await budget.start();
  await expect.poll(left).toEqual(['2027-01-17: 300']);
  await budget.stop();
});

test('an empty store has no bytes', async () => {
  for (const day of stored) await bench.store.dropDay(day);
  await budgetOf(1).enforce();
  expect(await metrics.value('nfm_store_bytes')).toBe(0);
});

test('ClickHouse deletes no row by its own clock', async () => {
  const { store } = bench;
  await store.insert(oneSlice([flowRow({ timeSeconds: 1_000_000_000 })]), 9n);
  await store.change(sql`OPTIMIZE TABLE flows FINAL`);
  expect(await left()).toContain('2001-09-09: 1');
  const withTtl = sql`SELECT name FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '% TTL %'`;
  expect(await store.query(withTtl)).toEqual([]);
});

test('a table with a retention of its own loses the partitions past it', async () => {
  await bench[Symbol.asyncDispose]();
  bench = await startTestStore({ tables: [WEEKS] });
  const week = Date.parse('2027-01-11');
  await bench.store.change(sql`INSERT INTO weeks SELECT toDate('2027-01-11')`);
  const weeks = async () => (await bench.store.query(sql`SELECT week FROM weeks`)).length;
  const DAYS_21 = 21 * 86_400_000;
  await bench.store.dropExpired(week + DAYS_21 - 1);
  expect(await weeks()).toBe(1);
  await bench.store.dropExpired(week + DAYS_21);
  expect(await weeks()).toBe(0);
});
