import type { WorkloadInsightsSeries } from '../../../client/run-query.ts';
import { BIN_MILLIS } from './time-window.ts';

export interface Bin {
  /** Start of the bin, milliseconds since 1970. */
  readonly millis: number;
  readonly value: number;
}

/** The line of one Availability Zone. */
export interface Series {
  /** The zone's ID; `""` if it is unknown. */
  readonly zone: string;
  /** In order of time. A bin without a report is absent, not 0. */
  readonly bins: readonly Bin[];
}

/** Converts the server's series to lines, sorted by zone. */
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
 * Adds a 0 to the losses at each bin where the zone had traffic but no loss. The server leaves out
 * bins without a loss; only the traffic distinguishes them from bins without a report.
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

/** Splits the bins into runs without a gap, so that no line is drawn across a gap. */
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

/** The zones of all charts, sorted. The order gives a zone the same colour in every chart. */
export function zonesOf(charts: readonly (readonly Series[])[]): readonly string[] {
  return [...new Set(charts.flat().map(({ zone }) => zone))].sort();
}
