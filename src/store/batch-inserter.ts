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

/** The rows of one batch, by table. */
export interface BatchRows {
  readonly flows: readonly EnrichedFlow[];
  readonly hostStats: readonly HostStatsRow[];
}

/** Stores batches: one at a time, and each row once. */
export class BatchInserter {
  readonly #deps: BatchInserterDeps;
  readonly #turns = new Turns();

  constructor(deps: BatchInserterDeps) {
    this.#deps = deps;
  }

  /** See `FlowStore.insert`. */
  async insert({ flows, hostStats }: BatchRows, batch: bigint): Promise<void> {
    await this.#insertDays(FLOW_ROWS, { rows: flows, batch, suffix: '' });
    await this.#insertDays(HOST_STATS_ROWS, { rows: hostStats, batch, suffix: '' });
  }

  /** See `FlowStore.insertMissing`. */
  async insertMissing({ flows, hostStats }: BatchRows, batch: bigint): Promise<void> {
    await this.#insertMissing(FLOW_ROWS, flows, batch);
    await this.#insertMissing(HOST_STATS_ROWS, hostStats, batch);
  }

  /** Calls `act` while no insert runs. */
  whileIdle(act: () => Promise<void>): Promise<void> {
    return this.#turns.take(act);
  }

  async #insertMissing<Row extends TimedRow>(
    kind: RowKind<Row>,
    rows: readonly Row[],
    batch: bigint,
  ): Promise<void> {
    const stored = await this.#storedDays(kind.table, batch);
    const missing = rows.filter((row) => !stored.has(dayOf(row)));
    this.#deps.log.info('looked up a batch in doubt', {
      table: kind.table,
      batch: String(batch),
      rows: rows.length,
      missing: missing.length,
    });
    const suffix = this.#deps.isEmbedded ? `-${randomUUID()}` : '';
    await this.#insertDays(kind, { rows: missing, batch, suffix });
  }

  #insertDays<Row extends TimedRow>(kind: RowKind<Row>, insert: DaysInsert<Row>): Promise<void> {
    const { rows, batch, suffix } = insert;
    return this.#turns.take(async () => {
      for (const [day, dayRows] of byDay(rows)) {
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

  async #storedDays(table: string, batch: bigint): Promise<ReadonlySet<number>> {
    const rows = await this.#deps.ask<{ day: number }>(
      sql`SELECT DISTINCT toUInt32(toDate(time)) AS day FROM ${name(table)} WHERE batch = ${param('UInt64', String(batch))}`,
    );
    return new Set(rows.map(({ day }) => day));
  }
}

interface DaysInsert<Row> {
  readonly rows: readonly Row[];
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
