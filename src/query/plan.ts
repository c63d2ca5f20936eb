import { LOOPBACK_IDENTIFIER } from '../model/enriched-flow.ts';
import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { MonitorMetric, QueryRequest } from '../model/query.ts';
import type { ScopeTarget } from '../model/scope.ts';
import {
  clampTime,
  type FlowSelection,
  monitorFilter,
  selectionFilter,
  targetsFilter,
} from '../store/flow-filter.ts';
import { joinSql, name, param, raw, type SqlFragment, sql } from '../store/sql.ts';
import { METRIC_PRESENT, METRIC_VALUE } from './metric-sql.ts';

/** The columns that identify a monitor's row. Flows that are equal in all of them are one row. */
export const MONITOR_ROW_KEYS = [
  'side',
  'local_ip',
  'remote_ip',
  'snat_ip',
  'dnat_ip',
  'service_port',
  'local_instance',
  'local_subnet',
  'local_vpc',
  'local_az',
  'region',
  'account',
  'remote_instance',
  'remote_subnet',
  'remote_vpc',
  'remote_az',
  'remote_region',
  'remote_account',
  'local_pod_name',
  'local_pod_namespace',
  'local_service_name',
  'remote_pod_name',
  'remote_pod_namespace',
  'remote_service_name',
] as const;

export const WORKLOAD_INSIGHTS_ROW_KEYS = [
  'account',
  'local_subnet',
  'local_az',
  'local_vpc',
  'region',
  'remote_identifier',
] as const;

/** Across several categories the category also identifies a row. */
export const OVERVIEW_ROW_KEYS = [...WORKLOAD_INSIGHTS_ROW_KEYS, 'category'] as const;

/** Selects a metric and the flows to measure. */
export interface MetricSelection extends FlowSelection {
  readonly metric: MonitorMetric;
}

/** Length of a bin. The first bin starts at the query's start, rounded down to the minute. */
export const SERIES_BIN_SECONDS = 300;

/** The owner of a monitor, and the targets of its scope, whose flows the monitor sees. */
export interface MonitorSight {
  readonly owner: Owner;
  readonly targets: readonly ScopeTarget[];
}

/**
 * The top contributors of a monitor. Its resources may lie in any target of its scope. Like AWS, rows of the server side have target port 0, so flows
 * of a host pair that differ only in the server's port are one row.
 */
export function monitorPlan(
  request: QueryRequest,
  monitor: Monitor,
  { owner, targets }: MonitorSight,
): SqlFragment {
  return topContributors(request, {
    keys: MONITOR_ROW_KEYS.map((key) =>
      key === 'service_port' ? sql`if(side = 'client', service_port, 0) AS target_port` : name(key),
    ),
    // Leaves out the sums of flows that agents cut from reports, because their addresses are
    // unknown.
    where: sql`${targetsFilter(targets)} AND flows_cut = 0 AND ${monitorFilter(monitor, owner)}`,
    // The time for which the path of the row is looked up.
    more: sql`, toUnixTimestamp(max(flows.time)) AS last_seconds`,
  });
}

export function workloadInsightsPlan(
  request: QueryRequest,
  targets: readonly ScopeTarget[],
): SqlFragment {
  return topContributors(request, {
    keys: WORKLOAD_INSIGHTS_ROW_KEYS.map(name),
    where: targetsFilter(targets),
  });
}

/** The top contributors of one category or of all, each row with its category. */
export function overviewPlan(
  request: MetricSelection & { readonly limit: number },
  targets: readonly ScopeTarget[],
): SqlFragment {
  return topContributors(request, {
    keys: OVERVIEW_ROW_KEYS.map(name),
    where: targetsFilter(targets),
  });
}

/**
 * One series per availability zone: the bins that have data, in order of time. Flows of a host with
 * itself are in no zone and have a series of their own.
 */
export function seriesPlan(request: MetricSelection, targets: readonly ScopeTarget[]): SqlFragment {
  const start = clampTime(request.startSeconds);
  const first = start - (start % 60);
  const bin = sql`toUInt32(${param('UInt32', first)} + intDiv(toUnixTimestamp(time) - ${param('UInt32', first)}, ${param('UInt32', SERIES_BIN_SECONDS)}) * ${param('UInt32', SERIES_BIN_SECONDS)})`;
  const label = sql`multiIf(remote_identifier = ${param('String', LOOPBACK_IDENTIFIER)}, ${param('String', LOOPBACK_IDENTIFIER)}, local_az = '', 'unknown', local_az)`;
  const where = sql`${selectionFilter(request)} AND ${targetsFilter(targets)}`;
  return sql`SELECT ${label} AS label, ${bin} AS bin, ${METRIC_VALUE[request.metric]} AS value FROM flows WHERE ${where} GROUP BY label, bin HAVING ${METRIC_PRESENT[request.metric]} ORDER BY label, bin`;
}

interface TopParts {
  readonly keys: readonly SqlFragment[];
  readonly where: SqlFragment;
  /** More columns, after the value. */
  readonly more?: SqlFragment;
}

/** Orders rows by value descending, then by key, so that equal queries give equal pages. */
function topContributors(
  request: MetricSelection & { readonly limit: number },
  { keys, where, more = sql`` }: TopParts,
): SqlFragment {
  const columns = joinSql(keys, ', ');
  const positions = joinSql(
    keys.map((_, i) => raw(String(i + 1))),
    ', ',
  );
  const rows = sql`${selectionFilter(request)} AND ${where}`;
  return sql`SELECT ${columns}, ${METRIC_VALUE[request.metric]} AS value${more} FROM flows WHERE ${rows} GROUP BY ${positions} HAVING ${METRIC_PRESENT[request.metric]} ORDER BY value DESC, ${positions} LIMIT ${param('UInt32', request.limit)} SETTINGS enable_positional_arguments = 1`;
}
