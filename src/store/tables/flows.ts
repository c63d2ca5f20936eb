import { BATCH_COLUMN, FLOW_COLUMNS } from '../../model/columns.ts';
import { defineTable } from './table.ts';

/**
 * One row per report and flow. It is a plain MergeTree, because two rows with the same key are both
 * real. Time and category lead the sorting key, because every query filters on them. An insert is
 * fsynced before it returns, and ClickHouse remembers the deduplication tokens of the last 1,000
 * blocks.
 */
export const FLOWS = defineTable({
  name: 'flows',
  columns: [...FLOW_COLUMNS, BATCH_COLUMN],
  retentionFrom: 'time',
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS flows (
  time DateTime('UTC'),
  account LowCardinality(String),
  region LowCardinality(String),
  category LowCardinality(String),
  side Enum8('client' = 1, 'server' = 2),
  local_ip IPv6,
  remote_ip IPv6,
  snat_ip IPv6,
  dnat_ip IPv6,
  service_port UInt16,
  local_instance LowCardinality(String),
  local_subnet LowCardinality(String),
  local_vpc LowCardinality(String),
  local_az LowCardinality(String),
  remote_instance LowCardinality(String),
  remote_subnet LowCardinality(String),
  remote_vpc LowCardinality(String),
  remote_az LowCardinality(String),
  remote_account LowCardinality(String),
  remote_region LowCardinality(String),
  remote_identifier LowCardinality(String),
  local_cluster LowCardinality(String),
  local_pod_name LowCardinality(String),
  local_pod_namespace LowCardinality(String),
  local_service_name LowCardinality(String),
  remote_pod_name LowCardinality(String),
  remote_pod_namespace LowCardinality(String),
  remote_service_name LowCardinality(String),
  local_process LowCardinality(String),
  local_cgroup LowCardinality(String),
  flows_cut UInt32,
  sockets_connecting UInt32,
  sockets_established UInt32,
  sockets_closing UInt32,
  sockets_closed UInt32,
  sockets_completed UInt32,
  severed_connect Nullable(UInt32),
  severed_establish Nullable(UInt32),
  connect_attempts UInt32,
  bytes_received UInt64,
  bytes_delivered UInt64,
  segments_received UInt64,
  segments_delivered UInt64,
  retrans_syn UInt32,
  retrans_est UInt32,
  retrans_close UInt32,
  rtos_syn Nullable(UInt32),
  rtos_est Nullable(UInt32),
  rtos_close Nullable(UInt32),
  busy_us Nullable(UInt64),
  rwnd_limited_us Nullable(UInt64),
  sndbuf_limited_us Nullable(UInt64),
  segments_out_of_order Nullable(UInt32),
  reorderings Nullable(UInt32),
  dsacks Nullable(UInt32),
  segments_ce Nullable(UInt32),
  connect_us_count UInt32,
  connect_us_min UInt32,
  connect_us_max UInt32,
  connect_us_sum UInt64,
  rtt_us_count UInt32,
  rtt_us_min UInt32,
  rtt_us_max UInt32,
  rtt_us_sum UInt64,
  rtt_smoothed_us_count UInt32,
  rtt_smoothed_us_min UInt32,
  rtt_smoothed_us_max UInt32,
  rtt_smoothed_us_sum UInt64,
  min_rtt_us_count UInt32,
  min_rtt_us_min UInt32,
  min_rtt_us_max UInt32,
  min_rtt_us_sum UInt64,
  delivery_rate_count UInt32,
  delivery_rate_min UInt64,
  delivery_rate_max UInt64,
  delivery_rate_sum UInt64,
  batch UInt64,
  INDEX by_batch batch TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY (account, region, category, toStartOfHour(time), local_subnet, local_ip, remote_ip, service_port, side, time)
TTL {retention}
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`,
    },
  ],
});
