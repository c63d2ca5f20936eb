import { randomUUID } from 'node:crypto';
import { SECONDS_A_DAY } from '../lib/durations.ts';
import type { Log } from '../lib/log.ts';
import type { HistogramMetric } from '../lib/metrics.ts';
import { Turns } from '../lib/turns.ts';
import type { EnrichedFlow } from '../model/enriched-flow.ts';
import type { HostStatsRow } from '../model/host-stats.ts';
import type { StoreConnection } from './connection.ts';
import {
  encodeHostStats,
  encodeRows,
  HOST_STATS_INSERT_COLUMNS,
  INSERT_COLUMNS,
} from './encode-rows.ts';
import { name, param, type SqlFragment, sql } from './sql.ts';
import { FLOWS } from './tables/flows.ts';
import { HOST_STATS } from './tables/host-stats.ts';

export interface BatchInserterDeps {
  readonly connection: () => StoreConnection;
  readonly ask: <Row>(statement: SqlFragment) => Promise<Row[]>;
  readonly isEmbedded: boolean;
  readonly insertSeconds: HistogramMetric;
  readonly log: Log;
}

/** Rows of one batch, by table. */
export interface BatchRows {
  readonly flows: readonly EnrichedFlow[];
  readonly hostStats: readonly HostStatsRow[];
}

/**
 * A batch in slices, several of which fit in memory. Their order and bounds must be the same
 * whenever the batch is read again.
 */
export type BatchSlices = Iterable<BatchRows> | AsyncIterable<BatchRows>;

/** Stores batches: one slice at a time, and each row once. */
export class BatchInserter {
  readonly #deps: BatchInserterDeps;
  readonly #turns = new Turns();

  constructor(deps: BatchInserterDeps) {
    this.#deps = deps;
  }

  /** See `FlowStore.insert`. */
  async insert(slices: BatchSlices, batch: bigint): Promise<void> {
    let slice = 0;
    for await (const { flows, hostStats } of slices) {
      const suffix = suffixOf(slice);
      await this.#insertDays(FLOW_ROWS, { days: byDay(flows), batch, suffix });
      await this.#insertDays(HOST_STATS_ROWS, { days: byDay(hostStats), batch, suffix });
      slice += 1;
    }
  }

  /** See `FlowStore.insertMissing`. */
  async insertMissing(slices: BatchSlices, batch: bigint): Promise<void> {
    const flowDays = await this.#storedDays(FLOW_ROWS.table, batch);
    const hostStatsDays = await this.#storedDays(HOST_STATS_ROWS.table, batch);
    let slice = 0;
    for await (const { flows, hostStats } of slices) {
      const suffix = this.#deps.isEmbedded ? `-${randomUUID()}` : suffixOf(slice);
      await this.#insertDays(FLOW_ROWS, { days: flowDays.missing(flows), batch, suffix });
      const days = hostStatsDays.missing(hostStats);
      await this.#insertDays(HOST_STATS_ROWS, { days, batch, suffix });
      slice += 1;
    }
    const fields = { flows: flowDays.counts, hostStats: hostStatsDays.counts };
    this.#deps.log.info('looked up a batch in doubt', { batch: String(batch), ...fields });
  }

  /** Calls `act` while no insert runs. */
  whileIdle(act: () => Promise<void>): Promise<void> {
    return this.#turns.take(act);
  }

  #insertDays<Row extends TimedRow>(kind: RowKind<Row>, insert: DaysInsert<Row>): Promise<void> {
    const { days, batch, suffix } = insert;
    return this.#turns.take(async () => {
      for (const [day, dayRows] of days) {
        const started = performance.now();
        await this.#deps.connection().insert({
          table: kind.table,
          columns: kind.columns,
          block: kind.encode(dayRows, batch),
          token: `${batch}-${day}${suffix}`,
        });
        this.#deps.insertSeconds.observe((performance.now() - started) / 1000);
      }
    });
  }

  async #storedDays(table: string, batch: bigint): Promise<StoredDays> {
    const rows = await this.#deps.ask<{ day: number; rows: number }>(
      sql`SELECT toUInt32(toDate(time)) AS day, toUInt32(count()) AS rows FROM ${name(table)} WHERE batch = ${param('UInt64', String(batch))} GROUP BY day`,
    );
    return new StoredDays(new Map(rows.map(({ day, rows: count }) => [day, count])));
  }
}

/** Distinguishes the tokens of a batch's slices; batches of one slice have no suffix. */
function suffixOf(slice: number): string {
  return slice === 0 ? '' : `-${slice}`;
}

/** Finds the stored rows of a batch, from the number of its rows in the store per day. */
class StoredDays {
  readonly #stored: ReadonlyMap<number, number>;
  readonly #before = new Map<number, number>();
  readonly counts = { rows: 0, missing: 0 };

  constructor(stored: ReadonlyMap<number, number>) {
    this.#stored = stored;
  }

  /** Returns the days of the next slice that are not stored. */
  missing<Row extends TimedRow>(slice: readonly Row[]): ReadonlyMap<number, readonly Row[]> {
    const missing = new Map<number, readonly Row[]>();
    for (const [day, rows] of byDay(slice)) {
      const before = this.#before.get(day) ?? 0;
      this.#before.set(day, before + rows.length);
      this.counts.rows += rows.length;
      // The rows of a slice and day are one part, so one more stored row means that all are stored.
      if ((this.#stored.get(day) ?? 0) > before) continue;
      missing.set(day, rows);
      this.counts.missing += rows.length;
    }
    return missing;
  }
}

interface DaysInsert<Row> {
  readonly days: ReadonlyMap<number, readonly Row[]>;
  readonly batch: bigint;
  /** Added to the deduplication token. */
  readonly suffix: string;
}

interface TimedRow {
  readonly timeSeconds: number;
}

/** How rows of one table are inserted. */
interface RowKind<Row extends TimedRow> {
  readonly table: string;
  readonly columns: readonly string[];
  readonly encode: (rows: readonly Row[], batch: bigint) => Buffer;
}

const FLOW_ROWS: RowKind<EnrichedFlow> = {
  table: FLOWS.name,
  columns: INSERT_COLUMNS,
  encode: encodeRows,
};
const HOST_STATS_ROWS: RowKind<HostStatsRow> = {
  table: HOST_STATS.name,
  columns: HOST_STATS_INSERT_COLUMNS,
  encode: encodeHostStats,
};

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
