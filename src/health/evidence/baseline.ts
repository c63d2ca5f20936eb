import type { Cells } from '../cells/cells.ts';
import type { Parameters } from '../parameters.ts';

/** What "nothing is wrong" means for each cell. */
export interface Baselines {
  /** Retransmissions a segment, and their relative variance. */
  readonly loss: Float64Array;
  readonly spread: Float64Array;
  /** Round trip and its scale, microseconds; NaN where there is no history yet. */
  readonly rtt: Float64Array;
  readonly rttScale: Float64Array;
  readonly rttMin: Float64Array;
  /** Share of connection attempts met with silence, and its relative variance. */
  readonly silence: Float64Array;
  readonly silenceSpread: Float64Array;
}

/**
 * Baselines by shrinkage: a cell's history gives way to its class's as far as it is short, and that
 * to the prior (Gamma-Poisson posterior means). The scale of round trips likewise.
 */
export function baselines(cells: Cells, p: Parameters): Baselines {
  const { length, history, classes } = cells;
  const classLoss = classes.segments.map((segments, b) => {
    const prior = classes.priorLoss[b] ?? 0;
    const retrans = classes.retrans[b] ?? 0;
    return Math.max(p.minLoss, (p.classWeight + retrans) / (p.classWeight / prior + segments));
  });
  const classSilence = classes.attempts.map(
    (attempts, b) =>
      (p.classWeight + (classes.silent[b] ?? 0)) / (p.classWeight / p.priorSilence + attempts),
  );
  const found = {
    loss: new Float64Array(length),
    spread: new Float64Array(length),
    rtt: new Float64Array(length),
    rttScale: new Float64Array(length),
    rttMin: new Float64Array(length),
    silence: new Float64Array(length),
    silenceSpread: new Float64Array(length),
  };
  for (let i = 0; i < length; i += 1) {
    const ofClass = classLoss[cells.baselineClass[i] as number] as number;
    const retrans = history.retrans[i] as number;
    const segments = history.segments[i] as number;
    const own = (p.classWeight + retrans) / (p.classWeight / ofClass + segments);
    found.loss[i] = Math.min(Math.max(p.minLoss, own), p.maxAboveClass * ofClass);
    found.spread[i] = Math.min(p.newSpread, Math.max(p.knownSpread, 1 / (p.classWeight + retrans)));
    const silentOfClass = classSilence[cells.baselineClass[i] as number] as number;
    const silent = p.classWeight + (history.silent[i] as number);
    found.silence[i] = silent / (p.classWeight / silentOfClass + (history.attempts[i] as number));
    found.silenceSpread[i] = Math.min(p.newSpread, Math.max(p.knownSpread, 1 / silent));
    rttBaseline(cells, i, { p, found });
  }
  return found;
}

function rttBaseline(
  { history }: Cells,
  i: number,
  { p, found }: { readonly p: Parameters; readonly found: Baselines },
): void {
  const weight = history.rttWeight[i] as number;
  if (!(weight >= p.rttMinWindows)) {
    found.rtt[i] = Number.NaN;
    return;
  }
  const mean = (history.lnRtt[i] as number) / weight;
  const variance = Math.max(0, (history.lnRttSquare[i] as number) / weight - mean * mean);
  const rtt = Math.exp(mean);
  const shrunk =
    (variance * weight + p.rttScale ** 2 * p.rttScaleWindows) / (weight + p.rttScaleWindows);
  found.rtt[i] = rtt;
  found.rttScale[i] = Math.max(rtt * Math.sqrt(shrunk), rtt * p.rttMinScale + p.rttMinScaleMicros);
  found.rttMin[i] = Math.exp((history.lnRttMin[i] as number) / weight);
}

/**
 * How all cells' round trips drifted together, as a factor; 1 when by more than a common mode may:
 * then it is no drift. The middle one of the sorted ratios, the upper of two.
 */
export function commonMode(ratios: Float64Array, p: Parameters): number {
  if (ratios.length === 0) return 1;
  const median = ratios.sort()[Math.floor(ratios.length / 2)] as number;
  return Math.abs(median - 1) <= p.commonMode ? median : 1;
}
