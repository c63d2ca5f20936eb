import { BATCH_COLUMN, FLOW_COLUMNS } from '../model/columns.ts';
import { HOST_STATS_COLUMNS } from '../model/host-stats.ts';

export const FLOW_TABLE = 'flows';
/** What network cards counted, a row a report and card. */
export const HOST_TABLE = 'host_stats';

export interface SchemaOptions {
  readonly retentionDays: number;
}

/**
 * One row per (report, flow), in a plain MergeTree: equal keys are legal. Time and category come
 * first in the order, as every question has them; an insert is durable when it returns, and its
 * deduplication token is remembered over the last 1,000 blocks.
 */
export function createFlowTable(options: SchemaOptions): string {
  const columns = [...FLOW_COLUMNS, BATCH_COLUMN].map(({ name, type }) => `  ${name} ${type}`);
  return `CREATE TABLE IF NOT EXISTS ${FLOW_TABLE} (
${columns.join(',\n')},
  INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (account, region, category, toStartOfHour(time), local_subnet, local_ip, remote_ip, service_port, side, time)
TTL ${retention(options)}
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`;
}

/** As the flow table: stored once, durable when an insert returns, and gone after the same time. */
export function createHostTable(options: SchemaOptions): string {
  const columns = [...HOST_STATS_COLUMNS, BATCH_COLUMN].map(
    ({ name, type }) => `  ${name} ${type}`,
  );
  return `CREATE TABLE IF NOT EXISTS ${HOST_TABLE} (
${columns.join(',\n')},
  INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (account, region, time, instance, interface)
TTL ${retention(options)}
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`;
}

/**
 * What makes a table of an older version this one's: columns it does not have yet, and those whose
 * type has become another (a value that may be unknown is Nullable).
 *
 * @param existing its columns' types by their names
 */
export function changeColumns(existing: ReadonlyMap<string, string>): string[] {
  return FLOW_COLUMNS.filter(({ name, type }) => existing.get(name) !== type).map(
    ({ name, type }) => {
      const change = existing.has(name) ? 'MODIFY COLUMN' : 'ADD COLUMN IF NOT EXISTS';
      return `ALTER TABLE ${FLOW_TABLE} ${change} ${name} ${type}`;
    },
  );
}

/**
 * Days already stored are kept or dropped by the new retention too: only the time each part is to
 * be dropped at is computed anew, no row is rewritten.
 */
export function changeRetention(table: string, options: SchemaOptions): string {
  return `ALTER TABLE ${table} MODIFY TTL ${retention(options)} SETTINGS materialize_ttl_after_modify = 1`;
}

/** As ClickHouse prints it, so that it is found in the table's definition. */
export function retention(options: SchemaOptions): string {
  return `time + toIntervalDay(${wholeDays(options.retentionDays)})`;
}

function wholeDays(days: number): number {
  if (!Number.isInteger(days) || days < 1) throw new Error('retentionDays: a whole number from 1');
  return days;
}
