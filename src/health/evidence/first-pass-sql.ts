import { INDICATOR_CATEGORIES } from '../../model/category.ts';
import { monitorFilter, selectionFilter } from '../../store/flow-filter.ts';
import { joinSql, name, param, type SqlFragment, sql } from '../../store/sql.ts';
import { ATTEMPTS_SQL, lifeSql, REFUSED_SQL } from '../cells/life.ts';
import { stalledSql } from '../cells/stall.ts';
import type { Channel, SqlStep } from '../channels/channel.ts';
import { type Cells, CHANNELS } from '../channels/registry.ts';
import { type HealthWindow, MAX_MONITORS } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import { dateTime, float, ofOwner } from '../sql-values.ts';
import { CLASS_CONSTANTS, COUNTS, HISTORY } from './columns.ts';

/** The columns that the constructs between two ends depend on. Their hash identifies a pair of ends. */
export const ENDS = sql`local_subnet, local_vpc, local_az, remote_account, remote_region, remote_subnet, remote_vpc, remote_az, remote_identifier, category, deployment`;

/** A condition on the flow table: rows of the window, loopback traffic excluded. */
export function windowFilter(window: HealthWindow): SqlFragment {
  const { owner, startSeconds, endSeconds } = window;
  const time = selectionFilter({ startSeconds, endSeconds, loopback: false });
  return sql`${ofOwner(owner)} AND ${time}`;
}

/** A bitmap. Bit i is set for the flows of monitor i. */
export function monitorMask({ monitors, owner }: HealthWindow): SqlFragment {
  const bits = monitors
    .slice(0, MAX_MONITORS)
    .map(
      (monitor, i) =>
        sql`toUInt64(${monitorFilter(monitor, owner)}) * ${param('UInt64', String(2 ** i))}`,
    );
  return bits.reduce((total, bit) => sql`${total} + ${bit}`, sql`toUInt64(0)`);
}

/**
 * The cells of a window. Leaves out the rows that sum up the flows cut from full reports.
 * `local_beyond` and `remote_beyond` are the addresses after the host's own translation; the
 * network routes by them.
 */
export function cellsSql(window: HealthWindow, p: Parameters): SqlFragment {
  const counts = Object.values(COUNTS).map(({ column, sql: count }) => as(count, column));
  return sql`SELECT
  cityHash64(local_instance, local_ip, remote_ip, service_port, side) AS cell,
  local_ip, remote_ip, ${ENDS}, cityHash64(${ENDS}) AS pair,
  concat('host:', if(local_instance = '', toString(local_ip), local_instance)) AS host,
  multiIf(category = 'AWS_SERVICE' AND remote_identifier != '', concat('service:', remote_identifier), category IN ('AMAZON_S3', 'AMAZON_DYNAMODB', 'AWS_SERVICE'), concat('service:', category), concat('endpoint:', if(remote_instance = '', toString(remote_ip), remote_instance))) AS remote,
  concat(category, '|', local_az, '|', if(remote_az = '', remote_region, remote_az)) AS class,
  if(category IN (${param('Array(String)', [...INDICATOR_CATEGORIES])}), ${monitorMask(window)}, toUInt64(0)) AS monitors,
  min(if(snat_ip = toIPv6('::'), local_ip, snat_ip)) AS local_beyond,
  min(if(dnat_ip = toIPv6('::'), remote_ip, dnat_ip)) AS remote_beyond,
  ${ATTEMPTS_SQL},
  ${joinSql(counts, ', ')},
  ${lifeSql(p)} AS life,
  ${REFUSED_SQL} AS refused
FROM (SELECT *, if(local_service_name = '', '', concat(local_pod_namespace, '/', local_service_name)) AS deployment FROM flows WHERE flows_cut = 0 AND ${windowFilter(window)})
GROUP BY local_instance, local_ip, remote_ip, remote_instance, service_port, side, region, local_cluster, ${ENDS}`;
}

/** Cells with their history and that of their class, aged to the window's start. */
export function cellsWithHistorySql(window: HealthWindow, p: Parameters): SqlFragment {
  const { owner, startSeconds } = window;
  const start = dateTime(startSeconds);
  const age = sql`exp2(dateDiff('second', ${start}, toDateTime(week, 'UTC')) / ${float(p.halfLifeSeconds)}) AS age`;
  const aged = sql`SELECT *, ${age} FROM health_history WHERE ${ofOwner(owner)}`;
  const history = Object.values(HISTORY);
  const own = history.map(({ column }) =>
    // Round to single precision, as stored in `health_cells`, so that a repeated judgement reads
    // equal numbers.
    as(sql`toFloat64(toFloat32(sum(${name(column)} * age)))`, `h_${column}`),
  );
  const ofClass = history
    .filter(({ isOfClass }) => isOfClass)
    .map(({ column }) => as(sql`sum(${name(column)} * age)`, `class_${column}`));
  const constants = CLASS_CONSTANTS.map(({ column, sql: constant }) => as(constant, column));
  const joined = [
    ...history.map(({ column }) => name(`h_${column}`)),
    ...history.filter(({ isOfClass }) => isOfClass).map(({ column }) => name(`class_${column}`)),
    ...constants,
  ];
  return sql`SELECT c.*, ${joinSql(joined, ', ')}
FROM (${cellsSql(window, p)}) AS c
LEFT JOIN (SELECT cell AS h_cell, ${joinSql(own, ', ')} FROM (${aged}) GROUP BY cell) AS h ON c.cell = h.h_cell
LEFT JOIN (SELECT class AS b_class, ${joinSql(ofClass, ', ')} FROM (${aged}) GROUP BY class) AS b ON c.class = b.b_class`;
}

const CHANNEL_SQL = Object.values<Channel<Cells>>(CHANNELS).map(({ sql: each }) => each);

/**
 * Cells with the probability, by channel, that each is healthy while nothing is explained:
 * `CHANNEL_weight`, 0 to 1. The window counts with this weight in the cells' history.
 */
export function weightsSql(window: HealthWindow, p: Parameters): SqlFragment {
  const stalled: readonly SqlStep[] = [[as(stalledSql(p), 'stalled')]];
  const steps = CHANNEL_SQL.map(({ weight }) => weight(p));
  return nested(cellsWithHistorySql(window, p), [stalled, ...steps]);
}

/** Cells with their rows of evidence, by the formulas of the channels, while nothing is explained. */
export function evidenceSql(window: HealthWindow, p: Parameters): SqlFragment {
  const steps = CHANNEL_SQL.map(({ row }) => row(p));
  const rows = Object.keys(CHANNELS).map((channel) => name(`${channel}_row`));
  const clipped = sql`x -> greatest(${float(-p.maxNatsPerCell)}, least(${float(p.maxNatsPerCell)}, x))`;
  return sql`SELECT *, arrayMap(${clipped}, arrayConcat(${joinSql(rows, ', ')})) AS evidence
FROM (${nested(weightsSql(window, p), steps)})`;
}

/** SELECTs around a SELECT. The n-th adds the n-th step of every list. */
function nested(from: SqlFragment, lists: readonly (readonly SqlStep[])[]): SqlFragment {
  const depth = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: depth }, (_, k) => lists.flatMap((steps) => steps[k] ?? [])).reduce(
    (inner, columns) => sql`SELECT *, ${joinSql(columns, ', ')} FROM (${inner})`,
    from,
  );
}

function as(expression: SqlFragment, alias: string): SqlFragment {
  return sql`${expression} AS ${name(alias)}`;
}
