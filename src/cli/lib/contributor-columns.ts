import type { MonitorRow, WorkloadInsightsRow } from '../../client/run-query.ts';
import { MONITOR_LABELS, WORKLOAD_LABELS } from '../../model/contributor-labels.ts';
import { formatValue } from '../../model/format-value.ts';
import { METRIC_LABEL, METRIC_UNIT, type MonitorMetric } from '../../model/query.ts';
import type { Categorized } from './contributor-query.ts';
import type { Column } from './format-table.ts';

export function monitorColumns(metric: MonitorMetric): readonly Column<Categorized<MonitorRow>>[] {
  const { destinationCategory, targetPort, ...labels } = MONITOR_LABELS;
  return [
    metricColumn(metric),
    labelled(destinationCategory, ({ category }) => category),
    labelled(labels.localIp, ({ row }) => row.localIp),
    labelled(labels.remoteIp, ({ row }) => row.remoteIp),
    { ...labelled(targetPort, ({ row }) => row.targetPort?.toString()), align: 'right' },
    labelled(labels.localInstanceId, ({ row }) => row.localInstanceId),
    labelled(labels.localSubnetId, ({ row }) => row.localSubnetId),
    labelled(labels.remoteInstanceId, ({ row }) => row.remoteInstanceId),
    labelled(labels.remoteSubnetId, ({ row }) => row.remoteSubnetId),
  ];
}

export function workloadColumns(
  metric: MonitorMetric,
): readonly Column<Categorized<WorkloadInsightsRow>>[] {
  return [
    metricColumn(metric),
    labelled(WORKLOAD_LABELS.destinationCategory, ({ category }) => category),
    labelled(WORKLOAD_LABELS.accountId, ({ row }) => row.accountId),
    labelled(WORKLOAD_LABELS.localAz, ({ row }) => row.localAz),
    labelled(WORKLOAD_LABELS.localSubnetId, ({ row }) => row.localSubnetId),
    labelled(WORKLOAD_LABELS.localVpcId, ({ row }) => row.localVpcId),
    labelled(WORKLOAD_LABELS.remoteIdentifier, ({ row }) => row.remoteIdentifier),
  ];
}

/** The values of a metric with their unit. */
export function metricColumn<Row extends { readonly value?: bigint | number | undefined }>(
  metric: MonitorMetric,
): Column<Categorized<Row>> {
  const column = labelled<Row>(METRIC_LABEL[metric], ({ row }) =>
    row.value === undefined ? undefined : formatValue(row.value, METRIC_UNIT[metric]),
  );
  return { ...column, align: 'right' };
}

/** A column under the label of the console, in capitals as all titles of tables here. */
export function labelled<Row>(
  label: string,
  value: (categorized: Categorized<Row>) => string | undefined,
): Column<Categorized<Row>> {
  return { title: label.toUpperCase(), value: (row) => value(row) ?? '' };
}
