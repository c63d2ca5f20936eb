import type { WorkloadInsightsSeries } from '../../../client/run-query.ts';
import { BIN_MILLIS } from './time-window.ts';

export interface Bin {
  /** Start of the bin, milliseconds since 1970. */
  readonly millis: number;
  readonly value: number;
}

/** One Availability Zone's line. */
export interface Series {
  /** The zone's id; `""` where it is not known. */
  readonly zone: string;
  /** In order of time; a bin nothing was reported for is absent, not 0. */
  readonly bins: readonly Bin[];
}

/** The server's series as lines, in order of the zones' names. */
export function seriesOf(answer: readonly WorkloadInsightsSeries[]): readonly Series[] {
  return answer
    .filter(({ timestamps }) => timestamps.length > 0)
    .map(({ label, timestamps, values }) => ({
      zone: label,
      bins: timestamps.map((timestamp, i) => ({
        millis: timestamp.getTime(),
        value: values[i] ?? 0,
      })),
    }))
    .sort((a, b) => (a.zone < b.zone ? -1 : 1));
}

/**
 * Losses with a 0 where the zone had traffic and lost nothing of it: the server leaves out bins
 * without a loss, and only traffic can tell those from bins nobody reported for.
 */
export function withZeros(
  losses: readonly Series[],
  traffic: readonly Series[],
): readonly Series[] {
  return losses.map(({ zone, bins }) => {
    const values = new Map(bins.map(({ millis, value }) => [millis, value]));
    const seen = traffic.find((series) => series.zone === zone)?.bins ?? [];
    const times = new Set([...values.keys(), ...seen.map(({ millis }) => millis)]);
    return {
      zone,
      bins: [...times]
        .sort((a, b) => a - b)
        .map((millis) => ({ millis, value: values.get(millis) ?? 0 })),
    };
  });
}

/** The runs of bins without a gap: a line is drawn within each, never across a gap. */
export function unbroken(bins: readonly Bin[]): readonly (readonly Bin[])[] {
  const runs: Bin[][] = [];
  let last: Bin | undefined;
  for (const bin of bins) {
    const run = runs.at(-1);
    if (run !== undefined && last !== undefined && bin.millis - last.millis <= BIN_MILLIS) {
      run.push(bin);
    } else {
      runs.push([bin]);
    }
    last = bin;
  }
  return runs;
}

/** The zones of all charts of the page, in order: a zone has one colour on all of them. */
export function zonesOf(charts: readonly (readonly Series[])[]): readonly string[] {
  return [...new Set(charts.flat().map(({ zone }) => zone))].sort();
}
