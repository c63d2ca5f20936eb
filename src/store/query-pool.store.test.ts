import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { FlowStore } from './flow-store.ts';
import { sql } from './sql.ts';
import { TEST_OPTIONS } from './testing.ts';

/** Runs until it is aborted or meets its time limit. */
const ENDLESS = sql`SELECT count() AS n FROM system.numbers WHERE sipHash64(number) = 1`;
const CONNECTIONS = 3;

const folder = mkdtempSync(join(tmpdir(), 'nfm-store-'));
const location = { path: join(folder, 'clickhouse') };
let store: FlowStore;
beforeEach(async () => {
  const options = { ...TEST_OPTIONS, location, queryConnections: CONNECTIONS };
  store = new FlowStore({ options, log: silentLog, metrics: new Metrics() });
  await store.start();
});
afterEach(() => store.stop());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Asks as an account; nothing but an abort ends the queries. */
function endless(account: string, count: number) {
  const aborts = Array.from({ length: count }, () => new AbortController());
  const asked = aborts.map(({ signal }) => store.query(ENDLESS, { lane: account, signal }));
  return { abort: (i: number) => aborts[i]?.abort(), asked, outcomes: Promise.allSettled(asked) };
}

const one = (account?: string) => store.query(sql`SELECT 1 AS one`, { lane: account });

test('an account waits for one query of another account, not for all that wait', async () => {
  const many = endless('a', 50);
  const other = one('b');
  many.abort(0);
  expect(await other).toEqual([{ one: 1 }]);
  for (let i = 0; i < 50; i += 1) many.abort(i);
  expect((await many.outcomes).map(({ status }) => status)).toEqual(Array(50).fill('rejected'));
});

test('accounts leave a connection to the queries of the server itself', async () => {
  const many = endless('a', 50);
  expect(await one()).toEqual([{ one: 1 }]);
  for (let i = 0; i < 50; i += 1) many.abort(i);
  await many.outcomes;
});

test('an account that has many waiting is rejected, and another is not', async () => {
  const many = endless('a', 100 + CONNECTIONS);
  await expect(many.asked.at(-1)).rejects.toThrow('too many queries wait');
  const other = one('b');
  many.abort(0);
  expect(await other).toEqual([{ one: 1 }]);
  for (let i = 0; i < many.asked.length; i += 1) many.abort(i);
  await many.outcomes;
});

test('queries that run or wait end when the store stops', async () => {
  const many = endless('a', 5);
  await store.stop();
  expect((await many.outcomes).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
});
