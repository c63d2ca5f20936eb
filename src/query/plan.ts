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

/** What makes a monitor's row: flows that differ in none of these are one. */
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

/** Of several categories at once, the category tells rows apart too. */
export const OVERVIEW_ROW_KEYS = [...WORKLOAD_INSIGHTS_ROW_KEYS, 'category'] as const;

/** What is measured of which flows. */
export interface MetricSelection extends FlowSelection {
  readonly metric: MonitorMetric;
}

/** Bins are this long, from the query's start rounded down to the minute. */
export const SERIES_BIN_SECONDS = 300;

/**
 * A monitor's top contributors. On the server side AWS answers target port 0 for every service, so
 * rows of one host pair that differ only in the server's own port are one row there.
 */
export function monitorPlan(request: QueryRequest, monitor: Monitor, owner: Owner): SqlFragment {
  const own = sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)}`;
  return topContributors(request, {
    keys: MONITOR_ROW_KEYS.map((key) =>
      key === 'service_port' ? sql`if(side = 'client', service_port, 0) AS target_port` : name(key),
    ),
    // What was cut from reports went between addresses nobody knows any more: it is in no row here.
    where: sql`${own} AND flows_cut = 0 AND ${monitorFilter(monitor, owner)}`,
    // As of when the path of a row is asked for.
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

/** The top contributors over all categories (or one), each row with its category. */
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
 * One series an availability zone: bins that have data, in order of time. What never left its host
 * crossed no zone and is a series of its own.
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
  /** Columns after the value. */
  readonly more?: SqlFragment;
}

/** Greatest value first, then the keys ascending, so that equal queries give equal pages. */
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
