import { randomUUID } from 'node:crypto';
import { SECONDS_A_DAY } from '../lib/durations.ts';
import type { Log } from '../lib/log.ts';
import type { HistogramMetric, Metrics } from '../lib/metrics.ts';
import { pause } from '../lib/pause.ts';
import type { Service } from '../lib/service.ts';
import { Turns } from '../lib/turns.ts';
import { ApiError } from '../model/api-error.ts';
import type { EnrichedFlow } from '../model/enriched-flow.ts';
import type { HostStatsRow } from '../model/host-stats.ts';
import {
  newMarker,
  openConnection,
  type QueryLimits,
  removeLeftBlocks,
  type StoreConnection,
  type StoreLocation,
} from './connection.ts';
import {
  encodeHostStats,
  encodeRows,
  HOST_STATS_INSERT_COLUMNS,
  INSERT_COLUMNS,
} from './encode-rows.ts';
import {
  changeColumns,
  changeRetention,
  createFlowTable,
  createHostTable,
  FLOW_TABLE,
  HOST_TABLE,
  retention,
  type SchemaOptions,
} from './schema.ts';
import { name, param, type SqlFragment, sql } from './sql.ts';

export interface FlowStoreOptions extends QueryLimits {
  readonly location: StoreLocation;
  readonly retentionDays: number;
  /** Queries that run at once; each holds a thread of libuv's pool while it runs. */
  readonly queryConnections: number;
}

export interface FlowStoreDeps {
  readonly options: FlowStoreOptions;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Queries beyond this are refused: whoever asks would wait too long anyway. */
const MAX_WAITING = 100;
const KILL_AGAIN_MILLIS = 100;

/** What of one day is stored. */
export interface StoredDay {
  /** e.g. `2026-01-31`, of UTC. */
  readonly day: string;
  readonly rows: number;
  /** Compressed, as on disk. */
  readonly bytes: number;
}

interface Waiting {
  readonly resolve: (connection: StoreConnection) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * The only door to ClickHouse. Inserts, control statements and queries have connections of their
 * own: the embedded engine runs one statement a connection, and an insert must not wait behind a
 * long query.
 */
export class FlowStore implements Service {
  readonly name = 'store';
  readonly #options: FlowStoreOptions;
  readonly #log: Log;
  readonly #insertSeconds: HistogramMetric;
  readonly #idle: StoreConnection[] = [];
  readonly #waiting = new Set<Waiting>();
  readonly #inserts = new Turns();
  #inserter: StoreConnection | undefined;
  #control: StoreConnection | undefined;

  constructor(deps: FlowStoreDeps) {
    this.#options = deps.options;
    this.#log = deps.log;
    this.#insertSeconds = deps.metrics.histogram({
      name: 'nfm_store_insert_seconds',
      help: 'How long one insert took until it was durable',
      buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
    });
  }

  async start(): Promise<void> {
    const { location, queryConnections } = this.#options;
    await removeLeftBlocks(location);
    this.#control = await openConnection(location);
    await this.#migrate(this.#control);
    this.#inserter = await openConnection(location);
    for (let i = 0; i < queryConnections; i += 1) this.#idle.push(await openConnection(location));
  }

  /**
   * Queries that wait are refused; those running are left to end by themselves, and their
   * connections close with them.
   */
  async stop(): Promise<void> {
    const connections = [this.#inserter, this.#control, ...this.#idle.splice(0)];
    this.#inserter = undefined;
    this.#control = undefined;
    for (const { reject } of this.#waiting) reject(notStarted());
    this.#waiting.clear();
    for (const connection of connections) await connection?.close();
  }

  /**
   * Stores the rows of a batch; durable when it resolves. A day's rows are one part, all or
   * nothing. Repeating it with the same rows and number stores nothing twice.
   */
  async insert(
    rows: readonly EnrichedFlow[],
    batch: bigint,
    hostStats: readonly HostStatsRow[] = [],
  ): Promise<void> {
    await this.#insertDays(FLOWS, { rows, batch, suffix: '' });
    await this.#insertDays(HOST_STATS, { rows: hostStats, batch, suffix: '' });
  }

  /**
   * As `insert`, for a batch that may have been stored: before a crash, perhaps so long ago that
   * the table forgot its token, or by an insert that failed. The days it already has are left out.
   * In the embedded engine no insert outlives its statement or process, so that what is not there
   * goes in under a token of its own: the table may remember the first one for a part it has lost.
   */
  async insertMissing(
    rows: readonly EnrichedFlow[],
    batch: bigint,
    hostStats: readonly HostStatsRow[] = [],
  ): Promise<void> {
    await this.#insertMissing(FLOWS, rows, batch);
    await this.#insertMissing(HOST_STATS, hostStats, batch);
  }

  async #insertMissing<Row extends TimedRow>(
    kind: RowKind<Row>,
    rows: readonly Row[],
    batch: bigint,
  ): Promise<void> {
    const stored = await this.#storedDays(kind.table, batch);
    const missing = rows.filter((row) => !stored.has(dayOf(row)));
    this.#log.info('looked up a batch in doubt', {
      table: kind.table,
      batch: String(batch),
      rows: rows.length,
      missing: missing.length,
    });
    const suffix = 'path' in this.#options.location ? `-${randomUUID()}` : '';
    await this.#insertDays(kind, { rows: missing, batch, suffix });
  }

  /**
   * Runs a query on the next free connection. Aborting ends the work in ClickHouse too.
   *
   * @throws the signal's reason when it was aborted
   * @throws ApiError ThrottlingException when too many wait already
   */
  async query<Row>(statement: SqlFragment, signal?: AbortSignal): Promise<Row[]> {
    signal?.throwIfAborted();
    const connection = await this.#takeConnection(signal);
    const marker = newMarker();
    const ended = new AbortController();
    const kill = () => void this.#killUntil(ended.signal, marker);
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', kill, { once: true });
      return await connection.query<Row>(statement, { ...this.#options, marker });
    } catch (error) {
      ended.abort();
      // chDB keeps a statement that failed, and its memory, until the connection's next one.
      await connection.command('SELECT 1').catch(() => {});
      signal?.throwIfAborted();
      throw error;
    } finally {
      ended.abort();
      signal?.removeEventListener('abort', kill);
      this.#giveBack(connection);
    }
  }

  /** Runs a statement without rows, such as INSERT … SELECT, on the next free query connection. */
  async change(statement: SqlFragment): Promise<void> {
    const connection = await this.#takeConnection(undefined);
    try {
      await connection.command(statement);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** The days there are rows of, the oldest first, with what all that is kept by day takes. */
  async days(): Promise<StoredDay[]> {
    const days = await this.#ask<{ day: string; rows: string; bytes: string }>(
      sql`SELECT partition AS day, sumIf(rows, table = ${param('String', FLOW_TABLE)}) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts WHERE database = currentDatabase() AND active AND table IN (${param('Array(String)', await this.#dayTables())}) GROUP BY day ORDER BY day`,
    );
    return days.map(({ day, rows, bytes }) => ({ day, rows: Number(rows), bytes: Number(bytes) }));
  }

  /** Deletes a day for good. */
  async dropDay({ day }: Pick<StoredDay, 'day'>): Promise<void> {
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw new Error(`"${day}" is no day`);
    for (const table of await this.#dayTables()) {
      await requireOpen(this.#control).command(
        sql`ALTER TABLE ${name(table)} DROP PARTITION ${{ fragment: [`'${day}'`] }}`,
      );
    }
  }

  /** The tables that have a partition a day. */
  async #dayTables(): Promise<string[]> {
    const tables = await this.#ask<{ name: string }>(
      sql`SELECT name FROM system.tables WHERE database = currentDatabase() AND partition_key IN ('toDate(time)', 'toDate(start)') ORDER BY name`,
    );
    return tables.map((table) => table.name);
  }

  /**
   * Has the embedded engine find out what a disk that got full has cost, and stop merging parts while
   * `isLow`. ClickHouse 26.7 takes a write that found no room for done: the insert or merge of that
   * moment is committed with empty files. Loading the table anew sets such parts aside and
   * brings back those they were merged from; rows of an insert set aside are missing again.
   * Inserts and queries wait meanwhile.
   */
  async settle(isLow: boolean): Promise<void> {
    const control = requireOpen(this.#control);
    const stopMerges = async () => {
      for (const { table } of KINDS) await control.command(`SYSTEM STOP MERGES ${table}`);
    };
    await stopMerges();
    await this.#alone(async () => {
      for (const { table } of KINDS) {
        await control.command(`DETACH TABLE IF EXISTS ${table}`);
        await control.command(`ATTACH TABLE IF NOT EXISTS ${table}`);
      }
      if (isLow) await stopMerges();
    });
  }

  /** Does the work while no insert and no query runs. */
  #alone(act: () => Promise<void>): Promise<void> {
    return this.#inserts.take(async () => {
      const taken: StoreConnection[] = [];
      try {
        while (taken.length < this.#options.queryConnections) {
          taken.push(await this.#takeConnection(undefined));
        }
        await act();
      } finally {
        for (const connection of taken) this.#giveBack(connection);
      }
    });
  }

  #insertDays<Row extends TimedRow>(
    kind: RowKind<Row>,
    {
      rows,
      batch,
      suffix,
    }: { readonly rows: readonly Row[]; readonly batch: bigint; readonly suffix: string },
  ): Promise<void> {
    return this.#inserts.take(async () => {
      for (const [day, dayRows] of byDay(rows)) {
        const started = performance.now();
        await requireOpen(this.#inserter).insert({
          table: kind.table,
          columns: kind.columns,
          block: kind.encode(dayRows, batch),
          token: `${batch}-${day}${suffix}`,
        });
        this.#insertSeconds.observe((performance.now() - started) / 1000);
      }
    });
  }

  async #storedDays(table: string, batch: bigint): Promise<ReadonlySet<number>> {
    const rows = await this.#ask<{ day: number }>(
      sql`SELECT DISTINCT toUInt32(toDate(time)) AS day FROM ${name(table)} WHERE batch = ${param('UInt64', String(batch))}`,
    );
    return new Set(rows.map(({ day }) => day));
  }

  /** A question of the store's own, beside the queries. */
  #ask<Row>(statement: SqlFragment): Promise<Row[]> {
    return requireOpen(this.#control).query<Row>(statement, {
      ...this.#options,
      marker: newMarker(),
    });
  }

  /** More than once: a query just sent is not to be seen in `system.processes` yet. */
  async #killUntil(ended: AbortSignal, marker: string): Promise<void> {
    while (!ended.aborted) {
      await this.#kill(marker);
      await pause(KILL_AGAIN_MILLIS, ended);
    }
  }

  async #kill(marker: string): Promise<void> {
    try {
      const running = await this.#ask<{ query_id: string }>(
        sql`SELECT query_id FROM system.processes WHERE position(query, ${param('String', `/* ${marker} */`)}) = 1`,
      );
      for (const { query_id } of running) {
        await requireOpen(this.#control).command(
          `KILL QUERY WHERE query_id = '${query_id.replace(/[^\w-]/g, '')}' ASYNC`,
        );
      }
    } catch (error) {
      this.#log.warn('cannot kill a query', { error });
    }
  }

  async #migrate(control: StoreConnection): Promise<void> {
    const options = { retentionDays: this.#options.retentionDays };
    await control.command(createFlowTable(options));
    await control.command(createHostTable(options));
    const columns = await this.#ask<{ name: string; type: string }>(
      sql`SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ${param('String', FLOW_TABLE)}`,
    );
    for (const text of changeColumns(new Map(columns.map(({ name, type }) => [name, type])))) {
      await control.command(text);
    }
    for (const { table } of KINDS) {
      if (await this.#hasRetention(table, options)) continue;
      await control.command(changeRetention(table, options));
    }
  }

  async #hasRetention(table: string, options: SchemaOptions): Promise<boolean> {
    const tables = await this.#ask<{ definition: string }>(
      sql`SELECT create_table_query AS definition FROM system.tables WHERE database = currentDatabase() AND name = ${param('String', table)}`,
    );
    return tables.some(({ definition }) => definition.includes(` TTL ${retention(options)} `));
  }

  /** Who gives up leaves the queue at once: a connection may take long to become free. */
  #takeConnection(signal: AbortSignal | undefined): Promise<StoreConnection> {
    requireOpen(this.#control);
    const free = this.#idle.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ApiError('ThrottlingException', 'too many queries wait for the store; ask later');
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.add(waiting);
      const leave = () => {
        if (this.#waiting.delete(waiting)) reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #giveBack(connection: StoreConnection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.resolve(connection);
    } else if (this.#control !== undefined) this.#idle.push(connection);
    else void connection.close().catch((error) => this.#log.warn('cannot close', { error }));
  }
}

interface TimedRow {
  readonly timeSeconds: number;
}

/** Rows of a table that come in batches. */
interface RowKind<Row extends TimedRow> {
  readonly table: string;
  readonly columns: readonly string[];
  readonly encode: (rows: readonly Row[], batch: bigint) => Buffer;
}

const FLOWS: RowKind<EnrichedFlow> = {
  table: FLOW_TABLE,
  columns: INSERT_COLUMNS,
  encode: encodeRows,
};
const HOST_STATS: RowKind<HostStatsRow> = {
  table: HOST_TABLE,
  columns: HOST_STATS_INSERT_COLUMNS,
  encode: encodeHostStats,
};
const KINDS = [FLOWS, HOST_STATS] as const;

function dayOf(row: TimedRow): number {
  return Math.floor(row.timeSeconds / SECONDS_A_DAY);
}

function byDay<Row extends TimedRow>(rows: readonly Row[]): Map<number, readonly Row[]> {
  const first = rows[0];
  if (first === undefined) return new Map();
  const day = dayOf(first);
  if (rows.every((row) => dayOf(row) === day)) return new Map([[day, rows]]);
  const days = new Map<number, Row[]>();
  for (const row of rows) {
    const found = days.get(dayOf(row));
    if (found === undefined) days.set(dayOf(row), [row]);
    else found.push(row);
  }
  return days;
}

function requireOpen(connection: StoreConnection | undefined): StoreConnection {
  if (connection === undefined) throw notStarted();
  return connection;
}

function notStarted(): Error {
  return new Error('the store is not started');
}
