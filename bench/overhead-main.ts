import { missingForLab } from '../src/lab/net/kernel-need.ts';
import {
  benchOverhead,
  type OverheadRuns,
  TRAFFIC_KINDS,
  type TrafficKind,
  type TrafficRun,
  WATCHERS,
  type Watcher,
} from './overhead-bench.ts';

/**
 * `npm run bench:overhead -- [ROUNDS [KIND...]]` measures the cost that a watcher adds to the
 * traffic. Each round compares a watcher with `nobody` in the same round, because the machine's
 * speed drifts. The result is the median of these changes.
 */
const DEFAULT_ROUNDS = 20;

const BARS: Readonly<Record<TrafficKind, string>> = {
  exchanges: '2,000 connections/s to another host, a request and an answer each: bars are 2%',
  exchangesWithin: 'the same over loopback, both ends watched: bars are 2%',
  bulk: 'one connection sends to another host as fast as it can (MiB/s, and per MiB): bars are 2%',
  bulkWithin: 'the same over loopback, both ends watched: bars are 2%',
  saturate: 'two pairs connect and close over loopback as fast as they can: bar is -7%',
};
const RATES = ['perSecond', 'cpuMicrosEach'] as const;
const LATENCIES = ['p50Micros', 'p99Micros'] as const;

const missing = missingForLab();
if (missing !== undefined) console.log(`overhead: ${missing}`);
else {
  const [rounds = DEFAULT_ROUNDS, ...named] = process.argv.slice(2);
  const kinds = TRAFFIC_KINDS.filter((kind) => named.length === 0 || named.includes(kind));
  const runs = await benchOverhead(Number(rounds), kinds);
  for (const kind of kinds) print(kind, runs);
}

function print(kind: TrafficKind, runs: OverheadRuns): void {
  console.log(`${BARS[kind]}; medians of ${runs[kind].nobody.length}`);
  for (const watcher of WATCHERS) {
    const names = kind === 'saturate' ? RATES : [...RATES, ...LATENCIES];
    const texts = names.map((name) => {
      const value = median(runs[kind][watcher], name);
      return `${name} ${value.toFixed(value < 100 ? 1 : 0)} (${change(runs[kind], watcher, name)})`;
    });
    console.log(`  ${watcher}: ${texts.join(', ')}`);
  }
}

function change(
  runs: Readonly<Record<Watcher, readonly TrafficRun[]>>,
  watcher: Watcher,
  name: keyof TrafficRun,
): string {
  const ratios = runs[watcher].map((run, round) => {
    return run[name] / (runs.nobody[round]?.[name] ?? Number.NaN);
  });
  const percent = (middle(ratios) - 1) * 100;
  return `${percent < 0 ? '' : '+'}${percent.toFixed(1)}%`;
}

function median(runs: readonly TrafficRun[], name: keyof TrafficRun): number {
  return middle(runs.map((run) => run[name]));
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}
