import { INDICATOR_CATEGORIES } from '../../model/category.ts';
import { monitorFilter, selectionFilter } from '../../store/flow-filter.ts';
import { param, type SqlFragment, sql } from '../../store/sql.ts';
import { type HealthWindow, MAX_MONITORS } from '../health-window.ts';
import { type Parameters, PRIOR_LOSS, PRIOR_LOSS_ELSEWHERE } from '../parameters.ts';

/** Ends as far as constructs depend on them; a pair of ends is known by the hash of these. */
export const ENDS = sql`local_subnet, local_vpc, local_az, remote_account, remote_region, remote_subnet, remote_vpc, remote_az, remote_identifier, category, deployment`;

const number = (value: number) => param('Float64', value);
const numbers = (values: readonly number[]) => param('Array(Float64)', [...values]);

/** Rows of a window, but for what hosts say to themselves. */
export function windowFilter(window: HealthWindow): SqlFragment {
  const { owner, startSeconds, endSeconds } = window;
  const time = selectionFilter({ startSeconds, endSeconds, loopback: false });
  return sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)} AND ${time}`;
}

/** Bit i: a flow of monitor i. */
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
 * The cells of a window. A cell is dead when it sent into silence: not a byte delivered, and
 * retransmission timers, or SYNs sent again and no connection. One whose receiver's window is full is
 * answered. What agents cut from their reports is no cell.
 * `…_beyond` are the addresses the network routes by, beyond the host's own translation.
 */
export function cellsSql(window: HealthWindow, p: Parameters): SqlFragment {
  return sql`SELECT
  cityHash64(local_instance, local_ip, remote_ip, service_port, side) AS cell,
  local_ip, remote_ip, ${ENDS}, cityHash64(${ENDS}) AS pair,
  concat('host:', if(local_instance = '', toString(local_ip), local_instance)) AS host,
  multiIf(category = 'AWS_SERVICE' AND remote_identifier != '', concat('service:', remote_identifier), category IN ('AMAZON_S3', 'AMAZON_DYNAMODB', 'AWS_SERVICE'), concat('service:', category), concat('endpoint:', if(remote_instance = '', toString(remote_ip), remote_instance))) AS remote,
  concat(category, '|', local_az, '|', if(remote_az = '', remote_region, remote_az)) AS class,
  if(category IN (${param('Array(String)', [...INDICATOR_CATEGORIES])}), ${monitorMask(window)}, toUInt64(0)) AS monitors,
  min(if(snat_ip = toIPv6('::'), local_ip, snat_ip)) AS local_beyond,
  min(if(dnat_ip = toIPv6('::'), remote_ip, dnat_ip)) AS remote_beyond,
  toFloat64(sum(retrans_est)) AS r,
  greatest(toFloat64(sum(segments_delivered)), r) AS n,
  toFloat64(sum(rtt_us_count)) AS rtts,
  toFloat64(sum(rtt_us_sum)) AS rtt_sum,
  toFloat64(minIf(rtt_us_min, rtt_us_count > 0)) AS rtt_min,
  sum(connect_attempts) AS attempts,
  sum(connect_us_count) AS connected,
  sum(retrans_syn) AS syns_again,
  toFloat64(ifNull(sum(busy_us), 0)) AS busy,
  toFloat64(ifNull(sum(rwnd_limited_us), 0)) AS rwnd_limited,
  toFloat64(greatest(attempts, if(syns_again > 0, 1, 0))) AS tries,
  least(toFloat64(syns_again), tries) AS silent,
  multiIf(sum(bytes_delivered) = 0 AND NOT (busy > 0 AND rwnd_limited >= ${number(p.stallShare)} * busy) AND (ifNull(sum(rtos_est), 0) > 0 OR (attempts > 0 AND connected = 0 AND syns_again > 0)), 2, attempts > 0 OR n > 0, 1, 0) AS life,
  toUInt8(ifNull(sum(severed_connect), 0) > 0 AND syns_again = 0 AND connected = 0) AS refused
FROM (SELECT *, if(local_service_name = '', '', concat(local_pod_namespace, '/', local_service_name)) AS deployment FROM flows WHERE flows_cut = 0 AND ${windowFilter(window)})
GROUP BY local_instance, local_ip, remote_ip, remote_instance, service_port, side, region, local_cluster, ${ENDS}`;
}

/** Cells with their history and their class's, as of the window's start. */
export function cellsWithHistorySql(window: HealthWindow, p: Parameters): SqlFragment {
  const { owner, startSeconds } = window;
  const start = sql`toDateTime(${param('UInt32', startSeconds)}, 'UTC')`;
  const aged = (column: string): SqlFragment => ({
    fragment: [`toFloat64(toFloat32(sum(${column} * age))) AS h_${column}`],
  });
  const age = sql`exp2(dateDiff('second', ${start}, toDateTime(week, 'UTC')) / ${number(p.halfLifeSeconds)}) AS age`;
  const whose = sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)}`;
  const [categories, priors] = [Object.keys(PRIOR_LOSS), Object.values(PRIOR_LOSS)];
  return sql`SELECT c.*, h_k, h_n, h_w, h_x, h_xx, h_m, h_tried, h_silent, h_busy, h_limited, class_k, class_n, class_tried, class_silent,
  transform(c.category, ${param('Array(String)', categories)}, ${numbers(priors)}, ${number(PRIOR_LOSS_ELSEWHERE)}) AS prior
FROM (${cellsSql(window, p)}) AS c
LEFT JOIN (SELECT cell AS h_cell, ${aged('k')}, ${aged('n')}, ${aged('w')}, ${aged('x')}, ${aged('xx')}, ${aged('m')}, ${aged('tried')}, ${aged('silent')}, ${aged('busy')}, ${aged('limited')}
  FROM (SELECT *, ${age} FROM health_history WHERE ${whose}) GROUP BY cell) AS h ON c.cell = h.h_cell
LEFT JOIN (SELECT class AS b_class, sum(k * age) AS class_k, sum(n * age) AS class_n, sum(tried * age) AS class_tried, sum(silent * age) AS class_silent
  FROM (SELECT *, ${age} FROM health_history WHERE ${whose}) GROUP BY class) AS b ON c.class = b.b_class`;
}

/** Baselines as in `baseline.ts`, with the tolerance: `base` is what of `n` is expected at most. */
function baselineSql(window: HealthWindow, p: Parameters): SqlFragment {
  const weight = number(p.classWeight);
  const min = number(p.minLoss);
  const classLoss = sql`SELECT *, (${weight} + class_silent) / (${number(p.classWeight / p.priorSilence)} + class_tried) AS class_silence,
  busy > 0 AND rwnd_limited >= ${number(p.stallShare)} * busy AND h_busy > 0 AND h_limited <= ${number(p.stallUsualShare)} * h_busy AS stalled, h_w >= ${number(p.rttMinWindows)} AND rtts > 0 AND rtt_sum > 0 AS has_rtt, greatest(${min}, (${weight} + class_k) / (${weight} / prior + class_n)) AS class_loss FROM (${cellsWithHistorySql(window, p)})`;
  const perCell = sql`SELECT *,
  n * (least(greatest(${min}, (${weight} + h_k) / (${weight} / class_loss + h_n)), ${number(p.maxAboveClass)} * class_loss) * ${number(p.tolerance)} + ${number(p.toleranceAdded)}) AS base,
  least(${number(p.newSpread)}, greatest(${number(p.knownSpread)}, 1 / (${weight} + h_k))) AS spread,
  least(${number(p.maxSilence)}, (${weight} + h_silent) / (${weight} / class_silence + h_tried) * ${number(p.tolerance)} + ${number(p.silenceAdded)}) AS silence,
  least(${number(p.newSpread)}, greatest(${number(p.knownSpread)}, 1 / (${weight} + h_silent))) AS silence_spread,
  exp(h_x / h_w) AS base_rtt,
  sqrt((greatest(0, h_xx / h_w - h_x / h_w * h_x / h_w) * h_w + ${number(p.rttScale ** 2 * p.rttScaleWindows)}) / (h_w + ${number(p.rttScaleWindows)})) AS relative_scale,
  quantileExactIf(0.5)(rtt_sum / rtts / exp(h_x / h_w), has_rtt) OVER () AS median
FROM (${classLoss})`;
  return sql`SELECT *,
  greatest(base_rtt * relative_scale, base_rtt * ${number(p.rttMinScale)} + ${number(p.rttMinScaleMicros)}) AS scale,
  rtt_sum / rtts / if(abs(median - 1) <= ${number(p.commonMode)}, median, 1) - base_rtt AS off
FROM (${perCell})`;
}

/** Log-likelihoods of each size of the grids, the first as things are. */
function likelihoodSql(window: HealthWindow, p: Parameters): SqlFragment {
  const sizes = sql`SELECT *,
  arrayMap(d -> base + n * d, ${numbers([0, ...p.lossGrid])}) AS means,
  arrayMap(d -> (base + n * d) * ${number(p.burstiness - 1)} + base * base * spread + n * d * n * d * ${number(p.faultSpread)}, ${numbers([0, ...p.lossGrid])}) AS overs,
  arrayMap(d -> scale * scale + d * d * ${number(p.shiftScale ** 2)}, ${numbers([0, ...p.shiftGrid])}) AS squares,
  arrayMap(d -> (off - d) * (off - d), ${numbers([0, ...p.shiftGrid])}) AS offs,
  arrayMap(d -> 1 - (1 - silence) * (1 - d), ${numbers([0, ...p.silenceGrid])}) AS silences,
  arrayMap((share, d) -> if(d > 0, share * ${number(p.silenceConcentration)}, 1 / silence_spread), silences, ${numbers([0, ...p.silenceGrid])}) AS alphas,
  arrayMap((share, a) -> a * (1 - share) / share, silences, alphas) AS betas
FROM (${baselineSql(window, p)})`;
  const logs = sql`SELECT *,
  arrayMap((mean, over) -> if(r = 0, 0, lgamma(mean * mean / over + r) - lgamma(mean * mean / over) + r * log(over / (mean + over))) + mean * mean / over * log(mean / (mean + over)), means, overs) AS l_all,
  arrayMap((square, off_square) -> -2.5 * log1p(off_square / square / 4) - 0.5 * log(square), squares, offs) AS t_all,
  arrayMap((a, b) -> lgamma(a + silent) - lgamma(a) + lgamma(b + tries - silent) - lgamma(b) - lgamma(a + b + tries) + lgamma(a + b), alphas, betas) AS s_all
FROM (${sizes})`;
  return sql`SELECT *,
  arrayMap(x -> exp(x - arrayMax(l_all)), l_all) AS l,
  arrayMap(x -> exp(x - arrayMax(t_all)), t_all) AS t,
  arrayMap(x -> exp(x - arrayMax(s_all)), s_all) AS s
FROM (${logs})`;
}

/** Cells with how sure each is to be healthy, 0 to 1, as nothing is explained yet: what it counts in its history. */
export function weightsSql(window: HealthWindow, p: Parameters): SqlFragment {
  const outliers = sql`SELECT *, arrayAvg(arraySlice(l, 3)) AS l_outlier, arrayAvg(arraySlice(t, 2)) AS t_outlier, arrayAvg(arraySlice(s, 2)) AS s_outlier FROM (${likelihoodSql(window, p)})`;
  const nulls = sql`SELECT *,
  ${number(1 - p.privateLoss)} * l[1] + ${number(p.privateLoss)} * l_outlier AS l_null,
  ${number(1 - p.privateLatency)} * t[1] + ${number(p.privateLatency)} * t_outlier AS t_null,
  ${number(1 - p.privateSilence)} * s[1] + ${number(p.privateSilence)} * s_outlier AS s_null
FROM (${outliers})`;
  return sql`SELECT *,
  if(n > 0 AND life != 2, ${number(1 - p.privateLoss)} * l[1] / l_null, 0) AS loss_weight,
  if(tries > 0 AND life != 2, ${number(1 - p.privateSilence)} * s[1] / s_null, 0) AS silence_weight,
  multiIf(rtt_sum <= 0 OR rtts <= 0 OR stalled, 0, has_rtt, ${number(1 - p.privateLatency)} * t[1] / t_null, 1) AS rtt_weight
FROM (${nulls})`;
}

/**
 * Cells with what the rule files make of them, in the same formulas: rows of evidence: losses,
 * shares, shifts, dead shares, silences, as nothing is explained yet. Step by step in nested SELECTs: as
 * aliases of one, ClickHouse 26.7 took 2 s to analyse them.
 */
export function evidenceSql(window: HealthWindow, p: Parameters): SqlFragment {
  const deadNull = 1 - (1 - p.privateDead * p.deadGivenFault) * (1 - p.deadBase);
  const deadRatios = [(1 - p.deadGivenFault) / (1 - deadNull), p.deadGivenFault / deadNull];
  const rows = sql`SELECT *,
  arrayMap(x -> log((${number(1 - p.privateLoss)} * x + ${number(p.privateLoss)} * l_outlier) / l_null), arraySlice(l, 2)) AS uniform,
  arrayMap(q -> log1p(q * (l_outlier / l_null - 1)), ${numbers(p.fractionGrid)}) AS fraction,
  arrayMap(x -> log((${number(1 - p.privateLatency)} * x + ${number(p.privateLatency)} * t_outlier) / t_null), arraySlice(t, 2)) AS shifted,
  arrayMap(x -> log((${number(1 - p.privateSilence)} * x + ${number(p.privateSilence)} * s_outlier) / s_null), arraySlice(s, 2)) AS unanswered,
  arrayMap(q -> if(life = 0, 0, log(1 - q + q * ${numbers(deadRatios)}[life])), ${numbers(p.fractionGrid)}) AS dead
FROM (${weightsSql(window, p)})`;
  const clip = sql`x -> greatest(${number(-p.maxNatsPerCell)}, least(${number(p.maxNatsPerCell)}, x))`;
  return sql`SELECT *,
  arrayMap(${clip}, arrayConcat(arrayMap(x -> if(n > 0 AND life != 2, x, 0), arrayConcat(uniform, fraction)), arrayMap(x -> if(has_rtt AND NOT stalled, x, 0), shifted), dead, arrayMap(x -> if(tries > 0 AND life != 2, x, 0), unanswered))) AS evidence
FROM (${rows})`;
}
