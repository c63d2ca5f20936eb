import { defineTable, type TableColumn } from '../../store/tables/table.ts';
import { CLASS_COLUMNS, COUNTS, HISTORY } from '../evidence/columns.ts';

const column =
  (type: string, codec?: string) =>
  (name: string): TableColumn => ({ name, type, codec });
const text = column('LowCardinality(String)');

const HISTORY_COLUMNS = Object.values(HISTORY).map((each) => each.column);

/**
 * The history of cells, as weekly sums (see `CellHistory`). Rows expire after three weeks: after 14
 * half-lives of one day a window no longer counts, and a row covers a week of windows.
 */
export const HEALTH_HISTORY = defineTable({
  name: 'health_history',
  keptDays: 21,
  columns: [
    ...['account', 'region', 'class'].map(text),
    column('UInt64')('cell'),
    column('Date')('week'),
    ...HISTORY_COLUMNS.map(column('Float64')),
  ],
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS health_history (
  account LowCardinality(String),
  region LowCardinality(String),
  class LowCardinality(String),
  cell UInt64,
  week Date,
  k Float64,
  n Float64,
  w Float64,
  x Float64,
  xx Float64,
  m Float64,
  tried Float64,
  silent Float64,
  busy Float64,
  limited Float64
)
ENGINE = SummingMergeTree
PARTITION BY week
ORDER BY (account, region, class, cell, week)
TTL week + toIntervalDay(21)`,
    },
  ],
});

const KEY: readonly TableColumn[] = [
  text('account'),
  text('region'),
  column("DateTime('UTC')")('start'),
  text('inputs_id'),
];

/**
 * A cell that was judged, with its baselines. Its history is stored, and was judged, in single
 * precision.
 */
export const CELL_COLUMNS: readonly TableColumn[] = [
  ...['host', 'remote', 'class'].map(text),
  column('Array(UInt32)', 'ZSTD(3)')('path'),
  ...['monitors', ...Object.values(COUNTS).map((each) => each.column)].map(
    column('UInt64', 'T64, ZSTD(3)'),
  ),
  ...['life', 'refused'].map(column('UInt8', 'ZSTD(3)')),
  ...HISTORY_COLUMNS.map((name) => `h_${name}`).map(column('Float32', 'ZSTD(3)')),
  ...Object.values(CLASS_COLUMNS).map(column('Float64', 'ZSTD(3)')),
];

/** The cells that windows were judged by. A day is a partition and expires as one. */
export const HEALTH_CELLS = defineTable({
  name: 'health_cells',
  columns: [...KEY, ...CELL_COLUMNS],
  retentionFrom: 'toDate(start)',
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS health_cells (
  account LowCardinality(String),
  region LowCardinality(String),
  start DateTime('UTC'),
  inputs_id LowCardinality(String),
  host LowCardinality(String),
  remote LowCardinality(String),
  class LowCardinality(String),
  path Array(UInt32) CODEC(ZSTD(3)),
  monitors UInt64 CODEC(T64, ZSTD(3)),
  n UInt64 CODEC(T64, ZSTD(3)),
  r UInt64 CODEC(T64, ZSTD(3)),
  rtts UInt64 CODEC(T64, ZSTD(3)),
  rtt_sum UInt64 CODEC(T64, ZSTD(3)),
  rtt_min UInt64 CODEC(T64, ZSTD(3)),
  tries UInt64 CODEC(T64, ZSTD(3)),
  silent UInt64 CODEC(T64, ZSTD(3)),
  busy UInt64 CODEC(T64, ZSTD(3)),
  rwnd_limited UInt64 CODEC(T64, ZSTD(3)),
  life UInt8 CODEC(ZSTD(3)),
  refused UInt8 CODEC(ZSTD(3)),
  h_k Float32 CODEC(ZSTD(3)),
  h_n Float32 CODEC(ZSTD(3)),
  h_w Float32 CODEC(ZSTD(3)),
  h_x Float32 CODEC(ZSTD(3)),
  h_xx Float32 CODEC(ZSTD(3)),
  h_m Float32 CODEC(ZSTD(3)),
  h_tried Float32 CODEC(ZSTD(3)),
  h_silent Float32 CODEC(ZSTD(3)),
  h_busy Float32 CODEC(ZSTD(3)),
  h_limited Float32 CODEC(ZSTD(3)),
  class_k Float64 CODEC(ZSTD(3)),
  class_n Float64 CODEC(ZSTD(3)),
  class_tried Float64 CODEC(ZSTD(3)),
  class_silent Float64 CODEC(ZSTD(3)),
  prior Float64 CODEC(ZSTD(3))
)
ENGINE = MergeTree
PARTITION BY toDate(start)
ORDER BY (account, region, start, inputs_id)
TTL {retention}
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`,
    },
  ],
});

/** All else that windows were judged by, as gzipped JSON in base64. */
export const HEALTH_INPUTS = defineTable({
  name: 'health_inputs',
  columns: [...KEY, column('String')('packed')],
  retentionFrom: 'toDate(start)',
  migrations: [
    {
      number: 1,
      text: `CREATE TABLE IF NOT EXISTS health_inputs (
  account LowCardinality(String),
  region LowCardinality(String),
  start DateTime('UTC'),
  inputs_id LowCardinality(String),
  packed String
)
ENGINE = MergeTree
PARTITION BY toDate(start)
ORDER BY (account, region, start, inputs_id)
TTL {retention}
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`,
    },
  ],
});

/** The tables of ClickHouse that health needs. The store creates them when it starts. */
export const CLICKHOUSE_TABLES = [HEALTH_HISTORY, HEALTH_CELLS, HEALTH_INPUTS] as const;
