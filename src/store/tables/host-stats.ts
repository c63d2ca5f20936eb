import { BATCH_COLUMN } from '../../model/columns.ts';
import { HOST_STATS_COLUMNS } from '../../model/host-stats.ts';
import { defineTable } from './table.ts';

/** One row per report and network card. Inserts and retention work as for the flow table. */
export const HOST_STATS = defineTable({
  name: 'host_stats',
  columns: [...HOST_STATS_COLUMNS, BATCH_COLUMN],
  retentionFrom: 'time',
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS host_stats (
  time DateTime('UTC'),
  account LowCardinality(String),
  region LowCardinality(String),
  instance LowCardinality(String),
  interface LowCardinality(String),
  bw_in_allowance_exceeded Nullable(UInt64),
  bw_out_allowance_exceeded Nullable(UInt64),
  pps_allowance_exceeded Nullable(UInt64),
  conntrack_allowance_exceeded Nullable(UInt64),
  linklocal_allowance_exceeded Nullable(UInt64),
  conntrack_allowance_available Nullable(UInt64),
  rx_dropped Nullable(UInt64),
  tx_dropped Nullable(UInt64),
  rx_errors Nullable(UInt64),
  tx_errors Nullable(UInt64),
  rx_missed_errors Nullable(UInt64),
  rx_fifo_errors Nullable(UInt64),
  tx_fifo_errors Nullable(UInt64),
  batch UInt64,
  INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (account, region, time, instance, interface)
TTL {retention}
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`,
    },
  ],
});
