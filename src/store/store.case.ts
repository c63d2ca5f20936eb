import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { canonicalAddress } from '../model/address.ts';
import { DESTINATION_CATEGORIES } from '../model/category.ts';
import { FLOW_COLUMNS } from '../model/columns.ts';
import type { EnrichedFlow } from '../model/enriched-flow.ts';
import { VALUE_NAMES, WIDEST_VALUES } from '../model/flow-metrics.ts';
import { openConnection, type StoreConnection, type StoreLocation } from './connection.ts';
import { DiskBudget } from './disk-budget.ts';
import { FlowStore, type FlowStoreOptions } from './flow-store.ts';
import { joinSql, name, param, type SqlFragment, sql } from './sql.ts';
import { flowRow, oneSlice, TEST_OPTIONS, TEST_SECONDS } from './testing.ts';

/** A location for the store of a test, and its removal. */
export interface StoreBench {
  readonly location: StoreLocation;
  remove(): Promise<void>;
}

const DAY = 86_400;
/** The last second of a UTC day, and the first of the next. */
const MIDNIGHT = Math.ceil(TEST_SECONDS / DAY) * DAY;

/** Tests of the store that run on the embedded ClickHouse and on a server alike. */
export function describeStore(engine: string, open: () => Promise<StoreBench>): void {
  describe(`the store on ${engine}`, () => {
    let bench: StoreBench;
    let control: StoreConnection;
    let store: FlowStore;

    beforeAll(async () => {
      bench = await open();
      control = await openConnection(bench.location);
    });
    afterAll(async () => {
      await control.close();
      await bench.remove();
    });
    beforeEach(async () => {
      await control.command(sql`DROP TABLE IF EXISTS flows SYNC`);
      await control.command(sql`DROP TABLE IF EXISTS host_stats SYNC`);
      store = await startStore();
    });
    afterEach(() => store.stop());

    async function startStore(options: Partial<FlowStoreOptions> = {}): Promise<FlowStore> {
      const started = new FlowStore({
        options: { ...TEST_OPTIONS, location: bench.location, ...options },
        log: silentLog,
        metrics: new Metrics(),
      });
      await started.start();
      return started;
    }

    async function restart(options: Partial<FlowStoreOptions> = {}): Promise<void> {
      await store.stop();
      store = await startStore(options);
    }

    function budgetOf(retentionDays: number): DiskBudget {
      const parts = { maxBytes: 0, clock: systemClock, log: silentLog, metrics: new Metrics() };
      return new DiskBudget({ store, retentionDays, ...parts });
    }

    async function count(where: SqlFragment = sql`1`): Promise<number> {
      const [row] = await store.query<{ rows: string }>(
        sql`SELECT count() AS rows FROM flows WHERE ${where}`,
      );
      return Number(row?.rows);
    }

    const parts = () =>
      store.query<{ partition: string; rows: string }>(
        sql`SELECT partition, rows FROM system.parts WHERE database = currentDatabase() AND table = 'flows' AND active ORDER BY name`,
      );

    /** Returns how many queries of other connections run now. */
    async function running(marker: string): Promise<number> {
      const rows = await control.query(
        sql`SELECT 1 FROM system.processes WHERE position(query, ${param('String', marker)}) > 0 AND position(query, 'system.processes') = 0`,
        { ...TEST_OPTIONS, marker: 'test' },
      );
      return rows.length;
    }

    describe('rows', () => {
      test('come back with the values that were inserted', async () => {
        let batch = 0n;
        await fc.assert(
          fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 60 }), async (rows) => {
            batch += 1n;
            await store.insert(oneSlice(rows), batch);
            expect(sorted(await readBack(store, batch))).toEqual(sorted(rows.map(expected)));
          }),
          { numRuns: 25 },
        );
      });

      test('with the smallest and greatest value of every column come back', async () => {
        const values = (of: readonly number[]) =>
          Object.fromEntries(VALUE_NAMES.map((column, i) => [column, of[i] ?? 0]));
        const rows = [
          flowRow({ localAddress: '0.0.0.1', servicePort: 0, side: 'client' }),
          flowRow({
            localAddress: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
            remoteAddress: '255.255.255.255',
            servicePort: 65_535,
            side: 'server',
            values: values(WIDEST_VALUES),
          }),
        ];
        await store.insert(oneSlice(rows), 2n ** 64n - 1n);
        expect(sorted(await readBack(store, 2n ** 64n - 1n))).toEqual(sorted(rows.map(expected)));
      });

      test('with more than 255 distinct names come back', async () => {
        const rows = Array.from({ length: 70_000 }, (_, i) => flowRow({ cluster: `name ${i}` }));
        await store.insert(oneSlice(rows), 1n);
        const [row] = await store.query<{ names: string }>(
          sql`SELECT uniqExact(local_cluster) AS names FROM flows`,
        );
        expect(row?.names).toBe('70000');
      });

      test('are not inserted when the batch is empty', async () => {
        await store.insert(oneSlice([]), 1n);
        expect(await parts()).toEqual([]);
      });

      test('of one insert and day become one part', async () => {
        await store.insert(oneSlice(Array.from({ length: 20_000 }, () => flowRow())), 1n);
        expect(await parts()).toEqual([{ partition: '2027-01-15', rows: '20000' }]);
      });
    });

    describe('a batch', () => {
      const rows = [flowRow({ servicePort: 1 }), flowRow({ servicePort: 2 })];

      test('inserted twice is stored once', async () => {
        await store.insert(oneSlice(rows), 7n);
        await store.insert(oneSlice(rows), 7n);
        expect(await count()).toBe(2);
      });

      test('inserted again after a restart is stored once', async () => {
        await store.insert(oneSlice(rows), 7n);
        await restart();
        await store.insert(oneSlice(rows), 7n);
        expect(await count()).toBe(2);
      });

      test('with equal rows and another number is stored as well', async () => {
        await store.insert(oneSlice(rows), 7n);
        await store.insert(oneSlice(rows), 8n);
        expect(await count()).toBe(4);
      });

      test('keeps all of its equal rows', async () => {
        await store.insert(oneSlice([flowRow(), flowRow(), flowRow()]), 7n);
        expect(await count()).toBe(3);
      });

      test('whose token the table forgot is looked up and not stored again', async () => {
        await control.command(
          sql`ALTER TABLE flows MODIFY SETTING non_replicated_deduplication_window = 1`,
        );
        await store.insert(oneSlice(rows), 7n);
        await store.insert(oneSlice(rows), 8n);
        await store.insertMissing(oneSlice(rows), 7n);
        expect(await count(sql`batch = 7`)).toBe(2);
      });

      test('of unknown state that is not stored is stored', async () => {
        await store.insertMissing(oneSlice(rows), 7n);
        expect(await count()).toBe(2);
      });

      const overMidnight = [
        flowRow({ timeSeconds: MIDNIGHT - 1 }),
        flowRow({ timeSeconds: MIDNIGHT }),
        flowRow({ timeSeconds: MIDNIGHT - 1, servicePort: 80 }),
      ];

      test('over midnight becomes one part per day and is stored once', async () => {
        await store.insert(oneSlice(overMidnight), 7n);
        await store.insert(oneSlice(overMidnight), 7n);
        await store.insertMissing(oneSlice(overMidnight), 7n);
        expect(await parts()).toEqual([
          { partition: '2027-01-15', rows: '2' },
          { partition: '2027-01-16', rows: '1' },
        ]);
      });

      test('in several slices, cut off anywhere, is completed without storing a row twice', async () => {
        const times = [MIDNIGHT - 1, MIDNIGHT, MIDNIGHT - 1];
        const slices = [1, 2, 3, 4].flatMap((servicePort) =>
          oneSlice(times.map((timeSeconds) => flowRow({ timeSeconds, servicePort }))),
        );
        for (const stored of [0, 1, 3, 4]) {
          const batch = BigInt(100 + stored);
          await store.insert(slices.slice(0, stored), batch);
          await store.insertMissing(slices, batch);
          await store.insertMissing(slices, batch);
          await store.insert(slices.slice(0, stored), batch);
          const rows = await store.query<{ rows: string; distinct: string }>(
            sql`SELECT count() AS rows, uniqExact(service_port, time) AS distinct FROM flows WHERE batch = ${param('UInt64', String(batch))}`,
          );
          expect(rows).toEqual([{ rows: '12', distinct: '8' }]);
        }
      });

      test('over midnight that was interrupted between the days is completed', async () => {
        await store.insert(oneSlice([overMidnight[1]!]), 7n);
        await store.insertMissing(oneSlice(overMidnight), 7n);
        expect(await count()).toBe(3);
        await store.insertMissing(oneSlice(overMidnight), 7n);
        expect(await count()).toBe(3);
      });
    });

    describe('a newer version', () => {
      test('adds its columns to an existing table, empty in old rows', async () => {
        await store.insert(oneSlice([flowRow({ cluster: 'blue', values: { rtos_est: 7 } })]), 1n);
        await control.command(
          sql`ALTER TABLE flows DROP COLUMN local_cluster, DROP COLUMN rtos_est`,
        );
        await restart();
        await store.insert(oneSlice([flowRow({ cluster: 'green', values: { rtos_est: 3 } })]), 2n);
        const rows = await store.query(
          sql`SELECT local_cluster, rtos_est FROM flows ORDER BY batch`,
        );
        expect(rows).toEqual([
          { local_cluster: '', rtos_est: null },
          { local_cluster: 'green', rtos_est: 3 },
        ]);
      });

      test('makes the column of a value Nullable, and keeps the other columns', async () => {
        await store.insert(oneSlice([flowRow({ values: { rtos_est: 7 } })]), 1n);
        await control.command(sql`ALTER TABLE flows MODIFY COLUMN rtos_est UInt32 DEFAULT 0`);
        await restart();
        await store.insert(oneSlice([flowRow()]), 2n);
        const rows = await store.query(sql`SELECT rtos_est FROM flows ORDER BY batch`);
        expect(rows).toEqual([{ rtos_est: 7 }, { rtos_est: null }]);
      });

      test('with a shorter retention drops the older rows', async () => {
        const now = Math.floor(Date.now() / 1000);
        await store.insert(oneSlice([flowRow({ timeSeconds: now - 30 * DAY })]), 1n);
        await store.insert(oneSlice([flowRow({ timeSeconds: now })]), 2n);
        await restart({ retentionDays: 20 });
        await budgetOf(20).enforce();
        expect(await count()).toBe(1);
        expect(await count(sql`batch = 2`)).toBe(1);
      });

      test('with a longer retention keeps the stored rows', async () => {
        const now = Math.floor(Date.now() / 1000);
        await restart({ retentionDays: 40 });
        await store.insert(oneSlice([flowRow({ timeSeconds: now - 30 * DAY })]), 1n);
        await restart({ retentionDays: 50 });
        await budgetOf(50).enforce();
        await control.command(sql`OPTIMIZE TABLE flows FINAL`);
        expect(await count()).toBe(1);
        const [table] = await store.query<{ text: string }>(
          sql`SELECT create_table_query AS text FROM system.tables WHERE database = currentDatabase() AND name = 'flows'`,
        );
        expect(table?.text).not.toContain(' TTL ');
      });

      test('with the same retention changes nothing', async () => {
        await store.insert(oneSlice([flowRow()]), 1n);
        await restart();
        const mutations = sql`SELECT command FROM system.mutations WHERE database = currentDatabase() AND table = 'flows'`;
        expect(await store.query(mutations)).toEqual([]);
      });
    });

    describe('a query', () => {
      const LARGE = sql`SELECT count() FROM (SELECT number FROM numbers(20000000) GROUP BY number)`;
      const ENDLESS = sql`SELECT count() AS n FROM system.numbers WHERE sipHash64(number) = 1`;

      test('that is aborted also ends in ClickHouse, and frees its connection', async () => {
        await restart({ queryConnections: 1 });
        for (const _ of [1, 2]) {
          const abort = new AbortController();
          const asked = store.query(ENDLESS, { signal: abort.signal });
          await expect.poll(() => running('sipHash64')).toBe(1);
          abort.abort(new Error('enough'));
          await expect(asked).rejects.toThrow('enough');
          expect(await running('sipHash64')).toBe(0);
        }
        expect(await count()).toBe(0);
      });

      test('that is aborted while it is sent ends', async () => {
        const abort = new AbortController();
        const asked = store.query(ENDLESS, { signal: abort.signal });
        queueMicrotask(() => abort.abort(new Error('at once')));
        await expect(asked).rejects.toThrow('at once');
        expect(await running('sipHash64')).toBe(0);
      });

      test('that is aborted before its start never starts', async () => {
        await expect(
          store.query(ENDLESS, { signal: AbortSignal.abort(new Error('no')) }),
        ).rejects.toThrow('no');
      });

      test('that waits leaves the queue when it is aborted', async () => {
        await restart({ queryConnections: 1 });
        const first = new AbortController();
        const second = new AbortController();
        const slow = store.query(ENDLESS, { signal: first.signal });
        const waiting = store.query(sql`SELECT 1`, { signal: second.signal });
        second.abort(new Error('gave up'));
        await expect(waiting).rejects.toThrow('gave up');
        const next = store.query<{ one: number }>(sql`SELECT 1 AS one`);
        first.abort(new Error('enough'));
        await expect(slow).rejects.toThrow('enough');
        expect(await next).toEqual([{ one: 1 }]);
      });

      test('is rejected when too many wait', async () => {
        await restart({ queryConnections: 1 });
        const abort = new AbortController();
        const slow = store.query(ENDLESS, { signal: abort.signal });
        const waiting = Array.from({ length: 100 }, () => store.query(sql`SELECT 1 AS one`));
        await expect(store.query(sql`SELECT 1`)).rejects.toThrow('too many queries wait');
        abort.abort(new Error('enough'));
        await expect(slow).rejects.toThrow('enough');
        expect((await Promise.all(waiting)).length).toBe(100);
      });

      test('gets its own result beside other queries and inserts', async () => {
        await restart({ queryConnections: 3 });
        const answers = Array.from({ length: 30 }, (_, i) =>
          store.query<{ answer: number }>(sql`SELECT ${param('UInt32', i)} AS answer`),
        );
        for (let batch = 0n; batch < 5n; batch += 1n)
          await store.insert(oneSlice([flowRow()]), batch);
        expect((await Promise.all(answers)).map(([row]) => row?.answer)).toEqual([
          ...Array(30).keys(),
        ]);
        expect(await count()).toBe(5);
      });

      test.each([
        { limit: { maxSeconds: 1 }, statement: ENDLESS, cause: /timeout/i, why: 'took too long' },
        {
          limit: { maxMemoryBytes: 2e7 },
          statement: LARGE,
          cause: /memory/i,
          why: 'too much memory',
        },
      ])('ends with an error at its limit: $why', async ({ limit, statement, cause, why }) => {
        await restart(limit);
        await expect(store.query(statement)).rejects.toMatchObject({
          name: 'QueryTooLargeError',
          message: expect.stringContaining(`${why}; ask for a shorter time range`),
          cause: { message: expect.stringMatching(cause) },
        });
      });

      test('receives its parameters unchanged, with any characters', async () => {
        const text = fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({
            unit: fc.constantFrom(
              "'",
              '"',
              '\\',
              '\t',
              '\n',
              '\0',
              '{',
              '}',
              '$',
              '`',
              '\r',
              'n',
              'N',
            ),
          }),
        );
        await fc.assert(
          fc.asyncProperty(text, async (value) => {
            const rows = await store.query(sql`SELECT ${param('String', value)} AS value`);
            expect(rows).toEqual([{ value }]);
          }),
          { numRuns: 50 },
        );
      });
    });

    test('a stopped store rejects queries and batches', async () => {
      const stopped = await startStore();
      await stopped.stop();
      await expect(stopped.query(sql`SELECT 1`)).rejects.toThrow('not started');
      await expect(stopped.insert(oneSlice([flowRow()]), 1n)).rejects.toThrow('not started');
    });
  });
}

const text = fc.oneof(
  fc.constant(''),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom("'", '"', '\\', '\t', '\n', '\0', '\r', 'é', '网'),
    maxLength: 5,
  }),
);
const address = fc
  .oneof(fc.ipV4(), fc.ipV6())
  .map((generated) => canonicalAddress(generated) ?? '::1');
const end = fc.record({
  account: text,
  region: text,
  vpcId: text,
  subnetId: text,
  az: text,
  instanceId: text,
});
const values = fc
  .tuple(
    ...WIDEST_VALUES.map((widest) =>
      fc.oneof(
        fc.constantFrom(0, 1, widest, widest - 1),
        fc.maxSafeNat().map((n) => n % (widest + 1)),
      ),
    ),
  )
  .map((drawn) => Object.fromEntries(VALUE_NAMES.map((column, i) => [column, drawn[i] as number])));

/** Any row that decode can produce, with times on two days, because each day is a part. */
const anyRow: fc.Arbitrary<EnrichedFlow> = fc
  .record({
    timeSeconds: fc.integer({ min: MIDNIGHT - 10, max: MIDNIGHT + 10 }),
    account: text,
    region: text,
    category: fc.constantFrom(...DESTINATION_CATEGORIES),
    side: fc.constantFrom('client', 'server'),
    localAddress: address,
    remoteAddress: address,
    servicePort: fc.oneof(fc.constantFrom(0, 65_535), fc.nat(65_535)),
    local: end,
    remote: end,
    remoteIdentifier: text,
    cluster: text,
    pods: fc.record({
      localPodName: text,
      localPodNamespace: text,
      localServiceName: text,
      remotePodName: text,
      remotePodNamespace: text,
      remoteServiceName: text,
    }),
    values,
  })
  .map((drawn) => flowRow({ ...drawn, side: drawn.side as 'client' | 'server' }));

type StoredRow = Readonly<Record<string, string>>;

/** All columns of a row as text, by the column declarations. */
function expected(row: EnrichedFlow): StoredRow {
  return Object.fromEntries(
    FLOW_COLUMNS.map((column) => {
      const value = column.value(row);
      return [column.name, Number.isNaN(value) ? 'null' : String(value)];
    }),
  );
}

async function readBack(store: FlowStore, batch: bigint): Promise<StoredRow[]> {
  const columns = joinSql(
    FLOW_COLUMNS.map((column) =>
      column.name === 'time' ? sql`toUnixTimestamp(time) AS time` : name(column.name),
    ),
    ', ',
  );
  const rows = await store.query<Record<string, string | number>>(
    sql`SELECT ${columns} FROM flows WHERE batch = ${param('UInt64', String(batch))}`,
  );
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => {
        const isAddress = column.endsWith('_ip');
        return [column, isAddress ? (canonicalAddress(String(value)) ?? '') : String(value)];
      }),
    ),
  );
}

function sorted(rows: readonly StoredRow[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();
}
