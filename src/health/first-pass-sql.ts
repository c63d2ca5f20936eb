import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import { monitorFilter, selectionFilter } from '../store/flow-filter.ts';
import { param, type SqlFragment, sql } from '../store/sql.ts';
import { type Parameters, PRIOR_LOSS, PRIOR_LOSS_ELSEWHERE } from './parameters.ts';

/** A window of an owner's flows. */
export interface FlowWindow {
  readonly owner: Owner;
  readonly startSeconds: number;
  /** Half-open. */
  readonly endSeconds: number;
  /** Cells say which of these they belong to; at most `MOST_MONITORS`. */
  readonly monitors: readonly Monitor[];
}

/** Bits that a JSON number holds exactly. */
export const MOST_MONITORS = 50;

/** The only categories that count for the indicator. */
const COUNTED = [
  'INTER_VPC',
  'INTRA_AZ',
  'INTER_AZ',
  'INTER_REGION',
  'AMAZON_S3',
  'AMAZON_DYNAMODB',
] as const;

/** Ends as far as constructs depend on them; a pair of ends is known by the hash of these. */
export const ENDS = sql`local_subnet, local_vpc, local_az, remote_account, remote_region, remote_subnet, remote_vpc, remote_az, remote_identifier, category, deployment`;

const number = (value: number) => param('Float64', value);
const numbers = (values: readonly number[]) => param('Array(Float64)', [...values]);

/** Rows of a window, but for what hosts say to themselves. */
export function windowFilter(window: FlowWindow): SqlFragment {
  const { owner, startSeconds, endSeconds } = window;
  const time = selectionFilter({ startSeconds, endSeconds, loopback: false });
  return sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)} AND ${time}`;
}

/** Bit i: monitor i's, of a category that counts. */
export function monitorMask({ monitors, owner }: FlowWindow): SqlFragment {
  const bits = monitors
    .slice(0, MOST_MONITORS)
    .map(
      (monitor, i) =>
        sql`toUInt64(${monitorFilter(monitor, owner)}) * ${param('UInt64', String(2 ** i))}`,
    );
  const sum = bits.reduce((total, bit) => sql`${total} + ${bit}`, sql`toUInt64(0)`);
  return sql`if(category IN (${param('Array(String)', [...COUNTED])}), ${sum}, toUInt64(0))`;
}

/**
 * The cells of a window. A cell is dead when it sent into silence: retransmission timers and not a
 * byte delivered, or SYNs sent again and no connection.
 */
export function cellsSql(window: FlowWindow): SqlFragment {
  return sql`SELECT
  cityHash64(local_instance, local_ip, remote_ip, service_port, side) AS cell,
  ${ENDS}, cityHash64(${ENDS}) AS pair,
  concat('host:', if(local_instance = '', toString(local_ip), local_instance)) AS host,
  multiIf(category = 'AWS_SERVICE' AND remote_identifier != '', concat('service:', remote_identifier), category IN ('AMAZON_S3', 'AMAZON_DYNAMODB', 'AWS_SERVICE'), concat('service:', category), concat('endpoint:', if(remote_instance = '', toString(remote_ip), remote_instance))) AS remote,
  concat(category, '|', local_az, '|', if(remote_az = '', remote_region, remote_az)) AS class,
  ${monitorMask(window)} AS monitors,
  toFloat64(sum(retrans_est)) AS r,
  greatest(toFloat64(sum(segments_delivered)), r) AS n,
  toFloat64(sum(rtt_us_count)) AS rtts,
  toFloat64(sum(rtt_us_sum)) AS rtt_sum,
  toFloat64(minIf(rtt_us_min, rtt_us_count > 0)) AS rtt_min,
  sum(connect_attempts) AS attempts,
  sum(connect_us_count) AS connected,
  sum(retrans_syn) AS syns_again,
  multiIf((sum(rtos_est) > 0 AND sum(bytes_delivered) = 0) OR (attempts > 0 AND connected = 0 AND syns_again > 0), 2, attempts > 0 OR n > 0, 1, 0) AS life,
  toUInt8(sum(severed_connect) > 0 AND syns_again = 0 AND connected = 0) AS refused
FROM (SELECT *, if(local_service_name = '', '', concat(local_pod_namespace, '/', local_service_name)) AS deployment FROM flows WHERE ${windowFilter(window)})
GROUP BY local_instance, local_ip, remote_ip, remote_instance, service_port, side, region, local_cluster, ${ENDS}`;
}

/** Cells with their history and their class's, as of the window's start. */
export function cellsWithHistorySql(window: FlowWindow, p: Parameters): SqlFragment {
  const { owner, startSeconds } = window;
  const start = sql`toDateTime(${param('UInt32', startSeconds)}, 'UTC')`;
  const aged = (column: string): SqlFragment => ({
    fragment: [`sum(${column} * age) AS h_${column}`],
  });
  const age = sql`exp2(dateDiff('second', ${start}, toDateTime(week, 'UTC')) / ${number(p.halfLifeSeconds)}) AS age`;
  const whose = sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)}`;
  const [categories, priors] = [Object.keys(PRIOR_LOSS), Object.values(PRIOR_LOSS)];
  return sql`SELECT c.*, h_k, h_n, h_w, h_x, h_xx, h_m, class_k, class_n,
  transform(c.category, ${param('Array(String)', categories)}, ${numbers(priors)}, ${number(PRIOR_LOSS_ELSEWHERE)}) AS prior
FROM (${cellsSql(window)}) AS c
LEFT JOIN (SELECT cell AS h_cell, ${aged('k')}, ${aged('n')}, ${aged('w')}, ${aged('x')}, ${aged('xx')}, ${aged('m')}
  FROM (SELECT *, ${age} FROM health_history WHERE ${whose}) GROUP BY cell) AS h ON c.cell = h.h_cell
LEFT JOIN (SELECT class AS b_class, sum(k * age) AS class_k, sum(n * age) AS class_n
  FROM (SELECT *, ${age} FROM health_history WHERE ${whose}) GROUP BY class) AS b ON c.class = b.b_class`;
}

/**
 * Cells with what `baseline.ts` and the rule files make of them, in the same formulas: `loss`,
 * `rtt`, and rows of evidence `loss_row`, `latency_row`, `dead_row`, as nothing is explained yet.
 */
export function evidenceSql(window: FlowWindow, p: Parameters): SqlFragment {
  const clip = sql`x -> greatest(${number(-p.mostNatsPerCell)}, least(${number(p.mostNatsPerCell)}, x))`;
  const none = (length: number): SqlFragment => ({
    fragment: [`arrayWithConstant(${length}, toFloat64(0))`],
  });
  return sql`WITH
  ${numbers(p.lossGrid)} AS losses, ${numbers(p.fractionGrid)} AS shares, ${numbers(p.shiftGrid)} AS shifts,
  (count, mean, over) -> if(count = 0, 0, lgamma(mean * mean / over + count) - lgamma(mean * mean / over) + count * log(over / (mean + over))) + mean * mean / over * log(mean / (mean + over)) AS ln_negative_binomial,
  greatest(${number(p.leastLoss)}, (${number(p.classWeight)} + class_k) / (${number(p.classWeight)} / prior + class_n)) AS class_loss,
  least(greatest(${number(p.leastLoss)}, (${number(p.classWeight)} + h_k) / (${number(p.classWeight)} / class_loss + h_n)), ${number(p.mostAboveClass)} * class_loss) AS base_loss,
  least(${number(p.newSpread)}, greatest(${number(p.knownSpread)}, 1 / (${number(p.classWeight)} + h_k))) AS spread,
  n * (base_loss * ${number(p.tolerance)} + ${number(p.toleranceAdded)}) AS base,
  d -> ln_negative_binomial(r, base + n * d, (base + n * d) * ${number(p.burstiness - 1)} + base * base * spread + n * d * n * d * ${number(p.faultSpread)}) AS ln_loss,
  ln_loss(0.) AS l_now,
  arrayMap(d -> ln_loss(d), losses) AS l_each,
  greatest(arrayMax(l_each), l_now) AS l_most,
  arrayAvg(arrayMap(x -> exp(x - l_most), arraySlice(l_each, 2))) AS l_outlier,
  ${number(1 - p.privateLoss)} * exp(l_now - l_most) AS l_sound,
  l_sound + ${number(p.privateLoss)} * l_outlier AS l_null,
  h_w >= ${number(p.rttLeastWindows)} AND rtts > 0 AND rtt_sum > 0 AS has_rtt,
  exp(h_x / h_w) AS base_rtt,
  sqrt((greatest(0, h_xx / h_w - h_x / h_w * h_x / h_w) * h_w + ${number(p.rttScale ** 2 * p.rttScaleWindows)}) / (h_w + ${number(p.rttScaleWindows)})) AS relative_scale,
  greatest(base_rtt * relative_scale, base_rtt * ${number(p.rttLeastScale)} + ${number(p.rttLeastScaleMicros)}) AS scale,
  rtt_sum / rtts / common - base_rtt AS off,
  d -> -2.5 * log1p((off - d) * (off - d) / (scale * scale + d * d * ${number(p.shiftScale ** 2)}) / 4) - 0.5 * log(scale * scale + d * d * ${number(p.shiftScale ** 2)}) AS ln_shift,
  ln_shift(0.) AS t_now,
  arrayMap(d -> ln_shift(d), shifts) AS t_each,
  greatest(arrayMax(t_each), t_now) AS t_most,
  arrayAvg(arrayMap(x -> exp(x - t_most), t_each)) AS t_outlier,
  ${number(1 - p.privateLatency)} * exp(t_now - t_most) AS t_sound,
  t_sound + ${number(p.privateLatency)} * t_outlier AS t_null,
  ${number(1 - (1 - p.privateDead * p.deadGivenFault) * (1 - p.deadBase))} AS dead_null
SELECT *, base_loss AS loss,
  if(n > 0, l_sound / l_null, 0) AS loss_weight,
  multiIf(rtt_sum <= 0 OR rtts <= 0, 0, has_rtt, t_sound / t_null, 1) AS rtt_weight,
  if(n > 0, arrayMap(${clip}, arrayConcat(
    arrayMap(x -> log((${number(1 - p.privateLoss)} * exp(x - l_most) + ${number(p.privateLoss)} * l_outlier) / l_null), l_each),
    arrayMap(q -> log1p(q * (l_outlier / l_null - 1)), shares))), ${none(p.lossGrid.length + p.fractionGrid.length)}) AS loss_row,
  if(has_rtt, arrayMap(${clip}, arrayMap(x -> log((${number(1 - p.privateLatency)} * exp(x - t_most) + ${number(p.privateLatency)} * t_outlier) / t_null), t_each)), ${none(p.shiftGrid.length)}) AS latency_row,
  if(life = 0, ${none(p.fractionGrid.length)}, arrayMap(${clip}, arrayMap(q -> log(1 - q + q * if(life = 2, ${number(p.deadGivenFault)} / dead_null, ${number(1 - p.deadGivenFault)} / (1 - dead_null))), shares))) AS dead_row
FROM (SELECT *, assumeNotNull((SELECT if(abs(median - 1) <= ${number(p.commonMode)}, median, 1) FROM (
    SELECT quantileExactIf(0.5)(rtt_sum / rtts / exp(h_x / h_w), h_w >= ${number(p.rttLeastWindows)} AND rtts > 0 AND rtt_sum > 0) AS median FROM (${cellsWithHistorySql(window, p)})))) AS common
  FROM (${cellsWithHistorySql(window, p)}))`;
}
