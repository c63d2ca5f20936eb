import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../lib/database.ts';
import type { QueryRequest } from '../model/query.ts';
import { QueryTable } from './query-table.ts';

const NOW = 1_800_000_000_000;
const owner = { account: '000000000000', region: 'us-east-1' };
const request: QueryRequest = {
  kind: 'WorkloadInsightsTopContributors',
  resource: 'scope-1',
  startSeconds: 0,
  endSeconds: 1,
  metric: 'TIMEOUTS',
  category: 'INTERNET',
  limit: 1,
};

let database: Database;
let table: QueryTable;

beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  table = new QueryTable(database);
  await table.start(NOW);
});
afterEach(() => database.destroy());

function add(id: string, max = 100): Promise<boolean> {
  const times = { createdMillis: NOW, finishedMillis: 0 };
  return table.add({ id, owner, request, status: 'QUEUED', reason: '', ...times }, max);
}

const find = (id: string) => table.find(owner, { ...request, queryId: id });

async function statuses(...ids: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(ids.map(async (id) => (await find(id))?.status));
}

test('a query comes back as it was added', async () => {
  expect(await add('a')).toBe(true);
  expect(await find('a')).toEqual({
    id: 'a',
    owner,
    request,
    status: 'QUEUED',
    reason: '',
    createdMillis: NOW,
    finishedMillis: 0,
  });
});

test('no query is added beyond the limit until one finishes', async () => {
  expect([await add('a', 2), await add('b', 2), await add('c', 2)]).toEqual([true, true, false]);
  expect(await find('c')).toBeUndefined();
  await table.finish('a', { status: 'CANCELED' }, NOW);
  expect(await add('c', 2)).toBe(true);
});

test('only the first outcome counts', async () => {
  await add('a');
  await table.finish('a', { status: 'CANCELED' }, NOW + 1);
  await table.finish('a', { status: 'SUCCEEDED', rows: [] }, NOW + 2);
  expect(await find('a')).toMatchObject({ status: 'CANCELED', finishedMillis: NOW + 1 });
});

test('a query stopped before its turn does not run', async () => {
  await add('a');
  await table.finish('a', { status: 'CANCELED' }, NOW);
  expect(await table.markRunning('a')).toBe(false);
});

test('beyond the limit the oldest finished queries are deleted, also among those that finished together', async () => {
  for (const id of ['a', 'b', 'c', 'd', 'e']) await add(id);
  for (const [id, after] of [
    ['a', 1],
    ['b', 2],
    ['c', 2],
    ['d', 3],
  ] as const) {
    await table.finish(id, { status: 'CANCELED' }, NOW + after);
  }
  await table.expire(owner.account, { oldestMillis: 0, max: 3 });
  // e is running and counts; of b and c, which finished together, one is kept.
  expect(await statuses('a', 'b', 'c', 'd', 'e')).toEqual([
    undefined,
    'CANCELED',
    undefined,
    'CANCELED',
    'QUEUED',
  ]);
});

test('old finished queries are deleted, running ones never', async () => {
  for (const id of ['a', 'b', 'c']) await add(id);
  await table.finish('a', { status: 'CANCELED' }, NOW);
  await table.finish('b', { status: 'CANCELED' }, NOW + 1);
  await table.expire(owner.account, { oldestMillis: NOW + 1, max: 100 });
  expect(await statuses('a', 'b', 'c')).toEqual([undefined, 'CANCELED', 'QUEUED']);
});

test('a start fails the unfinished queries and no others', async () => {
  for (const id of ['a', 'b', 'c']) await add(id);
  await table.markRunning('a');
  await table.finish('c', { status: 'SUCCEEDED', rows: [] }, NOW);
  await new QueryTable(database).start(NOW + 5);
  expect(await statuses('a', 'b', 'c')).toEqual(['FAILED', 'FAILED', 'SUCCEEDED']);
  expect(await find('a')).toMatchObject({ finishedMillis: NOW + 5 });
});
