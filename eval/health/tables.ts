import { formatRows } from '../../src/lib/format-rows.ts';
import { NETWORK_CLASSES, OTHER_CLASSES } from '../sim/fault-classes.ts';
import type { IncidentTimes } from './incidents.ts';
import { type ClassScore, f1, precision, recall, type Score } from './score.ts';

/**
 * A fault class with a row of its own: silence after a change of rules looks like a fault but is
 * configuration.
 */
const CONFIGURATION = 'security group';
const QUIET_CLASSES: readonly string[] = OTHER_CLASSES.filter((name) => name !== CONFIGURATION);
const HEADLINE: readonly string[] = [...NETWORK_CLASSES, ...QUIET_CLASSES];
const HOST_CLASSES = ['host', 'host at its limit', 'receiver overload'];

export type NamedScores = readonly { readonly name: string; readonly score: Score }[];

/** A table with a row per method, over all fault classes of the cloud. */
export function methodTable(scores: NamedScores): string {
  const rows = scores.map(({ name, score }) => {
    const all = score.total(HEADLINE);
    const lossOnly = score.total(HEADLINE.filter((title) => !title.startsWith('latency')));
    const quiet = score.total(QUIET_CLASSES);
    const hosts = score.total(HOST_CLASSES);
    return [
      name,
      ...[precision(all), recall(all), f1(all), setRecall(all), f1(lossOnly)].map(number),
      `${quiet.wrongWindows}/${quiet.windows}`,
      `${hosts.wrongWindows}/${hosts.windows}`,
      number(median(score.severityErrors)),
      score.millis(0.95).toFixed(0),
    ];
  });
  const title = ['method', 'precision', 'recall', 'F1', 'recall in set', 'F1 but latency'];
  return formatRows([
    [...title, 'false windows', 'host as network', 'severity error', 'ms p95'],
    ...rows,
  ]);
}

/** A table with a row per fault class, for one method. */
export function classTable(score: Score): string {
  const rows = [...score.classes].map(([name, one]) => [
    name,
    ...[precision(one), recall(one), setRecall(one)].map(number),
    `${one.wrongWindows}/${one.windows}`,
    one.others === 0 ? '' : `${one.othersNamed}/${one.others}`,
  ]);
  return formatRows([
    ['class', 'precision', 'recall', 'recall in set', 'wrong windows', 'others named'],
    ...rows,
  ]);
}

/** Precision and recall: a row per set of faults, a column per method. */
export function fabricTable(scores: NamedScores): string {
  const names = [...(scores[0]?.score.classes.keys() ?? [])];
  const rows = names.map((name) => [
    name,
    ...scores.map(({ score }) => {
      const one = score.total([name]);
      if (one.faults === 0) return `${one.wrongWindows}/${one.windows} false`;
      return `${number(precision(one))}/${number(recall(one))}`;
    }),
  ]);
  return formatRows([['faults', ...scores.map(({ name }) => name)], ...rows]);
}

const CONFIDENCES = [0, 0.95, 0.99, 0.999, 0.99999];

/** The number of network blames, and of right ones, by confidence. */
export function calibrationTable({ confidences }: Score): string {
  const rows = CONFIDENCES.map((from, i) => {
    const to = CONFIDENCES[i + 1] ?? 1.1;
    const within = confidences.filter((one) => one.confidence >= from && one.confidence < to);
    const right = within.filter(({ isRight }) => isRight).length;
    return [`${from}..${Math.min(1, to)}`, `${within.length}`, `${right}`];
  });
  return formatRows([['confidence', 'blames', 'right'], ...rows]);
}

export function incidentRow(name: string, { detect, clear }: IncidentTimes): readonly string[] {
  const within = (max: number) =>
    `${detect.filter((windows) => windows <= max).length}/${detect.length}`;
  return [
    name,
    ...[0.5, 0.95].map((share) => windows(quantile(detect, share))),
    ...[3, 10].map(within),
    windows(quantile(clear, 0.5)),
  ];
}

export const INCIDENT_TITLES = [
  'incidents',
  'windows to alarm p50',
  'p95',
  'within 3',
  'within 10',
  'windows to end p50',
];

function setRecall({ faults, foundInSet }: ClassScore): number | undefined {
  return faults === 0 ? undefined : foundInSet / faults;
}

function number(value: number | undefined): string {
  return value === undefined ? '-' : value.toFixed(3);
}

function windows(count: number | undefined): string {
  if (count === undefined) return '-';
  return count === Number.POSITIVE_INFINITY ? 'never' : `${count}`;
}

function median(values: readonly number[]): number | undefined {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
