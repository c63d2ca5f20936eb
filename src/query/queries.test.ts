import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { ApiError } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';
import {
  type QueryKind,
  type QueryRef,
  type QueryRequest,
  type QueryStatus,
  QueryTooLargeError,
} from '../model/query.ts';
import { MONITOR_ROW_KEYS } from './plan.ts';
import { Queries, type QueriesOptions } from './queries.ts';
import { QueryTable } from './query-table.ts';
import { monitorOf, QueuedStore, requestOf } from './testing.ts';

const HOUR = 3_600_000;
const owner: Owner = { account: '000000000000', region: 'us-east-1' };
const other: Owner = { account: '111111111111', region: 'us-east-1' };

let folder: string;
let database: Database;
let clock: FakeClock;
let store: QueuedStore;
let metrics: Metrics;
let queries: Queries;
let ids = 0;
let pathsAsked: unknown[][] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-queries-'));
  clock = new FakeClock(1_800_000_000_000);
  ids = 0;
  pathsAsked = [];
  await start();
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<QueriesOptions> = {}): Promise<void> {
  database = await openDatabase({ url: `sqlite:${join(folder, 'control.db')}` });
  store = new QueuedStore();
  metrics = new Metrics();
  queries = new Queries({
    table: new QueryTable(database),
    store,
    scopeOf: async ({ account, region }, scopeId) => {
      if (scopeId !== SCOPE) throw new ApiError('ResourceNotFoundException', 'no scope');
      const targets = [{ account, region }];
      return { scopeId, scopeArn: '', status: 'SUCCEEDED', targets, tags: {} };
    },
    monitorOf: async (_, monitorName) => {
      if (monitorName === 'web') return { ...monitorOf([]), scopeArn: `arn:…:scope/${SCOPE}` };
      throw new ApiError('ResourceNotFoundException', 'no monitor');
    },
    paths: () => ({
      pathOf: (from, to, timeSeconds) => {
        pathsAsked.push([from, to, timeSeconds]);
        return {
          constructs: [{ componentId: from.instanceId }],
          snatAddress: '192.0.2.1',
          dnatAddress: '10.0.9.9',
        };
      },
    }),
    newQueryId: () => {
      ids += 1;
      return `query-${ids}`;
    },
    clock,
    log: silentLog,
    metrics,
    options: { concurrency: 1, maxUnfinished: 10, ...options },
  });
  await queries.start();
}

async function stop(): Promise<void> {
  await queries.stop();
  await database.destroy();
}

async function restart(options: Partial<QueriesOptions> = {}): Promise<void> {
  await stop();
  await start(options);
}

const SCOPE = 'scope-1';
const KIND: QueryKind = 'WorkloadInsightsTopContributors';
const request: QueryRequest = {
  kind: KIND,
  resource: SCOPE,
  startSeconds: 1_799_996_400,
  endSeconds: 1_800_000_000,
  metric: 'DATA_TRANSFERRED',
  category: 'INTRA_AZ',
  limit: 100,
};

const begin = (who = owner) => queries.startQuery(who, request);
const ref = (queryId: string): QueryRef => ({ kind: KIND, resource: SCOPE, queryId });
const status = (id: string, who = owner) => queries.status(who, ref(id));
const page = (id: string, offset = 0, limit = 100) =>
  queries.results(owner, ref(id), { offset, limit });

/** Waits until a query reaches a status by itself. */
const becomes = (id: string, wanted: QueryStatus, who = owner) =>
  expect.poll(() => status(id, who), { interval: 1 }).toBe(wanted);

const row = (value: string) => ({
  account: owner.account,
  local_subnet: '',
  local_az: '',
  local_vpc: '',
  region: owner.region,
  remote_identifier: '',
  value,
});

/** Starts a query and completes it. */
async function succeed(rows: readonly unknown[] = [], who = owner): Promise<string> {
  const id = await begin(who);
  await store.answer(rows);
  await becomes(id, 'SUCCEEDED', who);
  return id;
}

describe('the states of a query', () => {
  test('RUNNING while the store works, QUEUED behind it, SUCCEEDED with rows', async () => {
    const first = await begin();
    const second = await begin();
    await becomes(first, 'RUNNING');
    expect(await status(second)).toBe('QUEUED');
    await store.answer([]);
    await becomes(first, 'SUCCEEDED');
    await becomes(second, 'RUNNING');
    await store.answer([]);
    await becomes(second, 'SUCCEEDED');
  });

  test('no more queries run at the same time than the limit', async () => {
    await restart({ concurrency: 2 });
    const [first, second, third] = [await begin(), await begin(), await begin()];
    await becomes(first, 'RUNNING');
    await becomes(second, 'RUNNING');
    expect(await status(third)).toBe('QUEUED');
    expect(await metrics.value('nfm_queries_running')).toBe(2);
    expect(await metrics.value('nfm_queries_queued')).toBe(1);
    for (const _ of [1, 2, 3]) await store.answer([]);
    await becomes(third, 'SUCCEEDED');
  });

  test.each([
    { error: new QueryTooLargeError('the query took too long'), reason: 'took too long' },
    { error: new QueryTooLargeError('needed too much memory'), reason: 'too much memory' },
    { error: new Error('secret table is broken'), reason: "the server's log says why" },
  ])('FAILED when the store fails with "$error", saying what to do', async ({ error, reason }) => {
    const id = await begin();
    await store.fail(error);
    await becomes(id, 'FAILED');
    await expect(page(id)).rejects.toThrow(reason);
    await expect(page(id)).rejects.not.toThrow('secret');
  });
});

describe('stopping a query', () => {
  test('that runs ends its work, and the next one starts', async () => {
    const first = await begin();
    const second = await begin();
    await becomes(first, 'RUNNING');
    const { signal } = await store.next();
    await queries.stopQuery(owner, ref(first));
    expect(signal?.aborted).toBe(true);
    expect(await status(first)).toBe('CANCELED');
    await becomes(second, 'RUNNING');
  });

  test('that is queued never reaches the store', async () => {
    const first = await begin();
    const second = await begin();
    await queries.stopQuery(owner, ref(second));
    expect(await status(second)).toBe('CANCELED');
    await store.answer([]);
    await becomes(first, 'SUCCEEDED');
    expect(await status(second)).toBe('CANCELED');
    expect(store.asked).toBe(1);
  });

  test('that has finished changes nothing', async () => {
    const id = await succeed([row('7')]);
    await queries.stopQuery(owner, ref(id));
    expect(await status(id)).toBe('SUCCEEDED');
    expect((await page(id)).rows).toHaveLength(1);
  });
});

describe('the results of a query', () => {
  test.each(['QUEUED', 'RUNNING', 'FAILED', 'CANCELED'] as const)(
    'that is %s are refused, naming the status',
    async (wanted) => {
      const blocker = wanted === 'QUEUED' ? await begin() : undefined;
      const id = await begin();
      if (wanted === 'FAILED') await store.fail(new Error('broken'));
      if (wanted === 'CANCELED') await queries.stopQuery(owner, ref(id));
      await becomes(id, wanted);
      await expect(page(id)).rejects.toMatchObject({ name: 'ValidationException' });
      await expect(page(id)).rejects.toThrow(wanted);
      if (blocker !== undefined) await queries.stopQuery(owner, ref(blocker));
    },
  );

  test('come in pages, in order, with every digit of a 64-bit sum', async () => {
    const greatest = 2n ** 64n - 1n;
    const values = [greatest, greatest - 1n, 2n, 1n, 1n].map(String);
    const id = await succeed(values.map(row));
    const pages = [await page(id, 0, 2), await page(id, 2, 2), await page(id, 4, 2)];
    expect(pages.map(({ next }) => next)).toEqual([2, 4, undefined]);
    const seen = pages.flatMap(({ rows }) => rows.map((item) => 'value' in item && item.value));
    expect(seen.map(String)).toEqual(values);
    expect(await page(id, 99, 2)).toMatchObject({ rows: [], next: undefined });
  });

  test('have no next page after the last row', async () => {
    const id = await succeed([row('2'), row('1')]);
    expect((await page(id, 0, 2)).next).toBeUndefined();
  });

  test('have the unit of the metric', async () => {
    expect(await page(await succeed())).toMatchObject({ kind: KIND, unit: 'Bytes' });
  });

  test('are kept for an hour after the query finished, also over a restart', async () => {
    const id = await succeed([row('7')]);
    await restart();
    clock.advance(HOUR);
    expect((await page(id)).rows).toHaveLength(1);
    clock.advance(1);
    await expect(page(id)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('are kept of the last thousand queries of an account', async () => {
    const theirs = await succeed([], other);
    await addFinished(1_000);
    const latest = await succeed();
    await expect(status('old-0')).rejects.toThrow('there is no query');
    for (const id of ['old-1', 'old-999', latest]) expect(await status(id)).toBe('SUCCEEDED');
    expect(await status(theirs, other)).toBe('SUCCEEDED');
  });
});

/** Queries that finished at intervals of a millisecond, the last one now. */
async function addFinished(count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `old-${i}`,
    ...owner,
    kind: KIND,
    resource: SCOPE,
    status: 'SUCCEEDED',
    request: JSON.stringify(request),
    reason: '',
    rows: '[]',
    created_millis: clock.now() - 10_000,
    finished_millis: clock.now() - count + i,
  }));
  const tables = database.withTables<{ queries: (typeof rows)[number] }>();
  await tables.insertInto('queries').values(rows).execute();
}

describe('a query is not found', () => {
  const cases: readonly { name: string; who?: Owner; change?: Partial<QueryRef> }[] = [
    { name: 'by an id that is not its own', change: { queryId: 'query-99' } },
    { name: 'as one of another kind', change: { kind: 'WorkloadInsightsTopContributorsData' } },
    { name: 'as one of another scope', change: { resource: 'scope-2' } },
    { name: 'by another account', who: other },
    { name: 'from another Region', who: { ...owner, region: 'eu-west-1' } },
  ];
  test.each(cases)('$name', async ({ who = owner, change }) => {
    const id = await succeed();
    const wrong = { ...ref(id), ...change };
    const notFound = { name: 'ResourceNotFoundException' };
    await expect(queries.status(who, wrong)).rejects.toMatchObject(notFound);
    await expect(queries.stopQuery(who, wrong)).rejects.toMatchObject(notFound);
    const first = { offset: 0, limit: 1 };
    await expect(queries.results(who, wrong, first)).rejects.toMatchObject(notFound);
  });

  test('nor started, when its scope or monitor does not exist', async () => {
    const unknown = [
      { ...request, resource: 'scope-2' },
      { ...request, kind: 'MonitorTopContributors' as const },
    ];
    for (const item of unknown) {
      await expect(queries.startQuery(owner, item)).rejects.toThrow(/no (scope|monitor)/);
    }
    expect(store.asked).toBe(0);
  });
});

describe('a restart', () => {
  test('fails running and waiting queries with a reason', async () => {
    const [first, second] = [await begin(), await begin()];
    await becomes(first, 'RUNNING');
    await restart();
    for (const id of [first, second]) {
      expect(await status(id)).toBe('FAILED');
      await expect(page(id)).rejects.toThrow('start it again');
    }
  });

  test('after a crash fails running queries', async () => {
    const id = await begin();
    await becomes(id, 'RUNNING');
    const crashed = { queries, database };
    await start();
    expect(await status(id)).toBe('FAILED');
    await crashed.queries.stop();
    await crashed.database.destroy();
  });

  test('frees the limit of the account', async () => {
    await restart({ maxUnfinished: 1 });
    await begin();
    await restart({ maxUnfinished: 1 });
    await succeed();
  });
});

describe('accounts', () => {
  test('take turns, and each keeps its order', async () => {
    const mine = [await begin(), await begin(), await begin()];
    const theirs = [await begin(other), await begin(other)];
    const order = [mine[0], mine[1], theirs[0], mine[2], theirs[1]];
    for (const id of order) {
      const who = theirs.includes(id ?? '') ? other : owner;
      await becomes(id ?? '', 'RUNNING', who);
      await store.answer([]);
      await becomes(id ?? '', 'SUCCEEDED', who);
    }
  });

  test('have separate limits of unfinished queries', async () => {
    await restart({ maxUnfinished: 2 });
    const first = await begin();
    await begin();
    await expect(begin()).rejects.toMatchObject({ name: 'ThrottlingException' });
    await begin(other);
    await queries.stopQuery(owner, ref(first));
    await begin();
  });

  test('cannot exceed the limit with concurrent starts', async () => {
    await restart({ maxUnfinished: 3 });
    const started = await Promise.allSettled(Array.from({ length: 10 }, () => begin()));
    expect(started.filter((item) => item.status === 'fulfilled')).toHaveLength(3);
  });
});

test("a monitor's rows have the way of their flows as of the newest of them, found when they are read", async () => {
  const { kind, resource } = requestOf({});
  const id = await queries.startQuery(owner, requestOf({}));
  await store.answer([
    {
      ...Object.fromEntries(MONITOR_ROW_KEYS.map((key) => [key, ''])),
      account: owner.account,
      region: owner.region,
      local_ip: '::ffff:10.0.1.7',
      local_instance: 'i-1',
      local_vpc: 'vpc-a',
      remote_ip: '::ffff:10.0.2.7',
      target_port: 443,
      value: '5',
      last_seconds: 1_799_999_999,
    },
  ]);
  await expect
    .poll(() => queries.status(owner, { kind, resource, queryId: id }), { interval: 1 })
    .toBe('SUCCEEDED');
  expect(pathsAsked).toEqual([]);
  const { rows } = await queries.results(
    owner,
    { kind, resource, queryId: id },
    { offset: 0, limit: 9 },
  );
  expect(rows).toMatchObject([
    { traversedConstructs: [{ componentId: 'i-1' }], snatIp: '192.0.2.1' },
  ]);
  expect(rows[0]).not.toHaveProperty('lastSeconds');
  expect(pathsAsked).toMatchObject([
    [
      { account: owner.account, region: owner.region, vpcId: 'vpc-a', address: '10.0.1.7' },
      { account: '', vpcId: '', address: '10.0.2.7' },
      1_799_999_999,
    ],
  ]);
});
