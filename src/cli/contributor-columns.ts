import type { MonitorRow, WorkloadInsightsRow } from '../client/run-query.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { MonitorMetric } from '../model/query.ts';
import type { Column } from './format-table.ts';
import { formatValue } from './format-value.ts';

/** A row and the category it was asked for; workload insights rows do not say it themselves. */
export interface Categorized<Row> {
  readonly category: DestinationCategory;
  readonly row: Row;
}

export function monitorColumns(metric: MonitorMetric): readonly Column<Categorized<MonitorRow>>[] {
  return [
    { title: metric, align: 'right', value: ({ row }) => formatValue(metric, row.value ?? 0n) },
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: 'LOCAL', value: ({ row }) => row.localIp ?? '' },
    { title: 'REMOTE', value: ({ row }) => row.remoteIp ?? '' },
    { title: 'PORT', align: 'right', value: ({ row }) => String(row.targetPort ?? '') },
    { title: 'LOCAL INSTANCE', value: ({ row }) => row.localInstanceId ?? '' },
    { title: 'LOCAL SUBNET', value: ({ row }) => row.localSubnetId ?? '' },
    { title: 'REMOTE INSTANCE', value: ({ row }) => row.remoteInstanceId ?? '' },
    { title: 'REMOTE SUBNET', value: ({ row }) => row.remoteSubnetId ?? '' },
  ];
}

export function workloadColumns(
  metric: MonitorMetric,
): readonly Column<Categorized<WorkloadInsightsRow>>[] {
  return [
    { title: metric, align: 'right', value: ({ row }) => formatValue(metric, row.value ?? 0n) },
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: 'ACCOUNT', value: ({ row }) => row.accountId ?? '' },
    { title: 'AZ', value: ({ row }) => row.localAz ?? '' },
    { title: 'LOCAL SUBNET', value: ({ row }) => row.localSubnetId ?? '' },
    { title: 'LOCAL VPC', value: ({ row }) => row.localVpcId ?? '' },
    { title: 'REMOTE', value: ({ row }) => row.remoteIdentifier ?? '' },
  ];
}

/** The rows of several categories as one list, highest value first. */
export function mergeRows<Row extends { readonly value?: bigint | undefined }>(
  lists: readonly (readonly Categorized<Row>[])[],
  limit: number,
): Categorized<Row>[] {
  const byValue = (a: Categorized<Row>, b: Categorized<Row>) => {
    const difference = (b.row.value ?? 0n) - (a.row.value ?? 0n);
    return difference > 0n ? 1 : difference < 0n ? -1 : 0;
  };
  return lists.flat().toSorted(byValue).slice(0, limit);
}
