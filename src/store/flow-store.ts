import { MILLIS_A_DAY } from '../lib/durations.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import type { InstallationMark } from '../model/installation-mark.ts';
import { BatchInserter, type BatchSlices } from './batch-inserter.ts';
import {
  newMarker,
  openConnection,
  type QueryLimits,
  removeLeftBlocks,
  type StoreConnection,
  type StoreLocation,
} from './connection.ts';
import { migrateTables } from './migrate-tables.ts';
import { notStarted, type QueryOptions, QueryPool } from './query-pool.ts';
import { name, param, raw, type SqlFragment, sql } from './sql.ts';
import { FLOWS } from './tables/flows.ts';
import { HOST_STATS } from './tables/host-stats.ts';
import { INSTALLATIONS } from './tables/installations.ts';
import type { Table } from './tables/table.ts';

export interface FlowStoreOptions extends QueryLimits {
  readonly location: StoreLocation;
  readonly retentionDays: number;
  /** Queries that run at once; each holds a thread of libuv's pool while it runs. */
  readonly queryConnections: number;
  /** Tables of others, created and updated at the start like the store's own. */
  readonly tables?: readonly Table[] | undefined;
}

export interface FlowStoreDeps {
  readonly options: FlowStoreOptions;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The stored rows of one day. */
export interface StoredDay {
  /** e.g. `2026-01-31`, of UTC. */
  readonly day: string;
  readonly rows: number;
  /** Compressed, as on disk. */
  readonly bytes: number;
}

/** The tables that reports are stored in. */
const BATCH_TABLES = [FLOWS, HOST_STATS] as const;

/**
 * The only door to ClickHouse. Inserts, control statements and queries have separate connections:
 * the embedded engine runs one statement per connection, and an insert must not wait behind a long
 * query.
 */
export class FlowStore implements Service {
  readonly name = 'store';
  readonly #options: FlowStoreOptions;
  readonly #batches: BatchInserter;
  readonly #queries: QueryPool;
  #inserter: StoreConnection | undefined;
  #control: StoreConnection | undefined;

  constructor({ options, log, metrics }: FlowStoreDeps) {
    this.#options = options;
    this.#batches = new BatchInserter({
      connection: () => requireOpen(this.#inserter),
      ask: (statement) => this.#ask(statement),
      isEmbedded: 'path' in options.location,
      insertSeconds: metrics.histogram({
        name: 'nfm_store_insert_seconds',
        help: 'Seconds from the start of an insert until it is durable',
        buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
      }),
      log,
    });
    this.#queries = new QueryPool({
      size: options.queryConnections,
      limits: options,
      control: () => requireOpen(this.#control),
      log,
    });
  }

  async start(): Promise<void> {
    const { location, tables = [] } = this.#options;
    await removeLeftBlocks(location);
    this.#control = await openConnection(location);
    await migrateTables(this.#control, {
      ...this.#options,
      tables: [...BATCH_TABLES, INSTALLATIONS, ...tables],
    });
    this.#inserter = await openConnection(location);
    await this.#queries.start(location);
  }

  /** Rejects waiting queries and ends running ones. */
  async stop(): Promise<void> {
    await this.#queries.stop();
    const connections = [this.#inserter, this.#control];
    this.#inserter = undefined;
    this.#control = undefined;
    for (const connection of connections) await connection?.close();
  }

  /**
   * Stores the rows of a batch, slice by slice; they are durable when it resolves. The rows of a
   * slice and day become one part, all or none. Calling it again with the same slices and batch
   * number stores nothing twice.
   */
  async insert(slices: BatchSlices, batch: bigint): Promise<void> {
    await this.#batches.insert(slices, batch);
  }

  /**
   * Stores the missing part of a batch that a crash or a failed insert interrupted, perhaps so long
   * ago that the table forgot its token. Slices are stored in order, so the number of stored rows
   * per day shows which slices are there. In the embedded engine no insert outlives its statement or
   * process, so the missing slices get a new token: the table may still remember the first token for
   * a part that it has lost.
   */
  async insertMissing(slices: BatchSlices, batch: bigint): Promise<void> {
    await this.#batches.insertMissing(slices, batch);
  }

  /**
   * Runs a query on the next free connection. Aborting also ends the work in ClickHouse.
   *
   * @throws the signal's reason when the signal was aborted
   * @throws ApiError ThrottlingException when too many queries wait already
   */
  query<Row>(statement: SqlFragment, options: QueryOptions = {}): Promise<Row[]> {
    return this.#queries.query(statement, options);
  }

  /** Runs a statement without rows, such as INSERT … SELECT, on the next free query connection. */
  change(statement: SqlFragment): Promise<void> {
    return this.#queries.change(statement);
  }

  /**
   * The days that have rows, oldest first. `rows` counts flow rows; `bytes` is the size of all
   * tables that have a partition per day.
   */
  async days(): Promise<StoredDay[]> {
    const days = await this.#ask<{ day: string; rows: string; bytes: string }>(
      sql`SELECT partition AS day, sumIf(rows, table = ${param('String', FLOWS.name)}) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts WHERE database = currentDatabase() AND active AND table IN (${param('Array(String)', await this.#dayTables())}) GROUP BY day ORDER BY day`,
    );
    return days.map(({ day, rows, bytes }) => ({ day, rows: Number(rows), bytes: Number(bytes) }));
  }

  /** Deletes the rows of a day from every table that has a partition per day. */
  async dropDay({ day }: Pick<StoredDay, 'day'>): Promise<void> {
    for (const table of await this.#dayTables()) await this.#dropPartition(table, day);
  }

  /** Deletes the partitions of tables with a retention of their own that ended before a time. */
  async dropExpired(nowMillis: number): Promise<void> {
    for (const { name: table, keptDays } of this.#options.tables ?? []) {
      if (keptDays === undefined) continue;
      const partitions = await this.#ask<{ day: string }>(
        sql`SELECT DISTINCT partition AS day FROM system.parts WHERE database = currentDatabase() AND active AND table = ${param('String', table)}`,
      );
      for (const { day } of partitions) {
        if (Date.parse(day) + keptDays * MILLIS_A_DAY <= nowMillis) {
          await this.#dropPartition(table, day);
        }
      }
    }
  }

  /** The time of the newest flow row; undefined when there is none. */
  async newestRowMillis(): Promise<number | undefined> {
    const rows = await this.#ask<{ seconds: number }>(
      sql`SELECT toUInt32(max(time)) AS seconds FROM ${name(FLOWS.name)} HAVING count() > 0`,
    );
    return rows[0] === undefined ? undefined : rows[0].seconds * 1000;
  }

  async #dropPartition(table: string, day: string): Promise<void> {
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw new Error(`"${day}" is no day`);
    await requireOpen(this.#control).command(
      sql`ALTER TABLE ${name(table)} DROP PARTITION ${raw(`'${day}'`)}`,
    );
  }

  async #dayTables(): Promise<string[]> {
    const tables = await this.#ask<{ name: string }>(
      sql`SELECT name FROM system.tables WHERE database = currentDatabase() AND partition_key IN ('toDate(time)', 'toDate(start)') ORDER BY name`,
    );
    return tables.map((table) => table.name);
  }

  /** The generation at which the store was last marked; undefined when it never was. */
  async installationGeneration(installation: string): Promise<number | undefined> {
    const rows = await this.#ask<{ highest: string }>(
      sql`SELECT max(generation) AS highest FROM ${name(INSTALLATIONS.name)} WHERE installation = ${param('String', installation)} HAVING count() > 0`,
    );
    return rows[0] === undefined ? undefined : Number(rows[0].highest);
  }

  async markInstallation({ installation, generation }: InstallationMark): Promise<void> {
    await requireOpen(this.#control).command(
      sql`INSERT INTO ${name(INSTALLATIONS.name)} SELECT ${param('String', installation)}, ${param('UInt64', generation)}`,
    );
  }

  /** The ids of the journals that have rows here: the upper 24 bits of batch numbers. */
  async journalIds(): Promise<number[]> {
    const rows = await this.#ask<{ journal: number }>(
      sql`SELECT DISTINCT toUInt32(bitShiftRight(batch, 40)) AS journal FROM ${name(FLOWS.name)} ORDER BY journal`,
    );
    return rows.map(({ journal }) => journal);
  }

  /**
   * The highest batch number in the store between two numbers, both included. Fast if there is
   * none, because the index of batch numbers excludes all rows.
   */
  async highestBatch(from: bigint, to: bigint): Promise<bigint | undefined> {
    let highest: bigint | undefined;
    for (const table of BATCH_TABLES) {
      const rows = await this.#ask<{ highest: string }>(
        sql`SELECT max(batch) AS highest FROM ${name(table.name)} WHERE batch BETWEEN ${param('UInt64', String(from))} AND ${param('UInt64', String(to))} HAVING count() > 0`,
      );
      const batch = rows[0] === undefined ? undefined : BigInt(rows[0].highest);
      if (batch !== undefined && (highest === undefined || batch > highest)) highest = batch;
    }
    return highest;
  }

  /**
   * Makes the embedded engine find the parts that a full disk has damaged, and stops merges while
   * `isLow`. ClickHouse 26.7 treats a write that found no space as done: it commits the insert or
   * merge of that moment with empty files. Reattaching the table sets such parts aside and restores
   * the parts that a damaged merge replaced; the rows of a damaged insert are missing again.
   * Inserts and queries wait meanwhile.
   */
  async settle(isLow: boolean): Promise<void> {
    const control = requireOpen(this.#control);
    const stopMerges = async () => {
      for (const table of BATCH_TABLES) {
        await control.command(sql`SYSTEM STOP MERGES ${name(table.name)}`);
      }
    };
    await stopMerges();
    await this.#alone(async () => {
      for (const table of BATCH_TABLES) {
        await control.command(sql`DETACH TABLE IF EXISTS ${name(table.name)}`);
        await control.command(sql`ATTACH TABLE IF NOT EXISTS ${name(table.name)}`);
      }
      if (isLow) await stopMerges();
    });
  }

  /** Calls `act` while no insert and no query runs. */
  #alone(act: () => Promise<void>): Promise<void> {
    return this.#batches.whileIdle(() => this.#queries.whileIdle(act));
  }

  /** Runs a query of the store itself, on the control connection. */
  #ask<Row>(statement: SqlFragment): Promise<Row[]> {
    return requireOpen(this.#control).query<Row>(statement, {
      ...this.#options,
      marker: newMarker(),
    });
  }
}

function requireOpen(connection: StoreConnection | undefined): StoreConnection {
  if (connection === undefined) throw notStarted();
  return connection;
}
