import type { MonitorRow, WorkloadInsightsRow } from '../../client/run-query.ts';
import type { MonitorMetric } from '../../model/query.ts';
import type { Categorized } from './contributor-query.ts';
import type { Column } from './format-table.ts';
import { formatValue } from './format-value.ts';

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
