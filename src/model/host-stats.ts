import type { ColumnType } from './columns.ts';
import type { Owner } from './owner.ts';

/** Counters of EC2's driver (ena) for the instance's allowances, under the existing agent's names. */
export const ALLOWANCE_COUNTERS = [
  'bw_in_allowance_exceeded',
  'bw_out_allowance_exceeded',
  'pps_allowance_exceeded',
  'conntrack_allowance_exceeded',
  'linklocal_allowance_exceeded',
] as const;

/** The rest of an allowance: a level, where the others are counters. */
export const ALLOWANCE_LEFT = 'conntrack_allowance_available';

/** The kernel's counters of each device (Documentation/ABI/testing/sysfs-class-net-statistics). */
export const DEVICE_COUNTERS = [
  'rx_dropped',
  'tx_dropped',
  'rx_errors',
  'tx_errors',
  'rx_missed_errors',
  'rx_fifo_errors',
  'tx_fifo_errors',
] as const;

/** The values of each network card in a report: columns of `host_stats`, NULL if unknown. */
export const HOST_COUNTERS = [...ALLOWANCE_COUNTERS, ALLOWANCE_LEFT, ...DEVICE_COUNTERS] as const;
export type HostCounter = (typeof HOST_COUNTERS)[number];

/** The counters of one network card in the window of a report: one row of the store. */
export interface HostStatsRow {
  readonly timeSeconds: number;
  readonly owner: Owner;
  readonly instanceId: string;
  /** The card's id on EC2, else its name. */
  readonly interfaceId: string;
  readonly counters: Readonly<Partial<Record<HostCounter, number>>>;
}

/** A column of `host_stats`; an unknown value is NaN. */
export interface HostStatsColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly value: (row: HostStatsRow) => string | number;
}

const text = (name: string, value: (row: HostStatsRow) => string): HostStatsColumn => ({
  name,
  type: 'LowCardinality(String)',
  value,
});

export const HOST_STATS_COLUMNS: readonly HostStatsColumn[] = [
  { name: 'time', type: "DateTime('UTC')", value: (row) => row.timeSeconds },
  text('account', (row) => row.owner.account),
  text('region', (row) => row.owner.region),
  text('instance', (row) => row.instanceId),
  text('interface', (row) => row.interfaceId),
  ...HOST_COUNTERS.map(
    (name): HostStatsColumn => ({
      name,
      type: 'Nullable(UInt64)',
      value: ({ counters }) => counters[name] ?? Number.NaN,
    }),
  ),
];
