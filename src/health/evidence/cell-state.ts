import type { Cells } from '../cells/cells.ts';
import { isStalled } from '../cells/stall.ts';
import type { Parameters } from '../parameters.ts';
import { baselines, commonMode } from './baseline.ts';

/** A cell's evidence is a row: losses, broken shares, shifts, dead shares, silences. */
export const LOSS_AT = 0;
export const FRACTION_AT = 7;
export const SHIFT_AT = 11;
export const DEAD_AT = 18;
export const SILENCE_AT = 22;
export const COLUMNS = 27;

/**
 * Cells with what is already explained of each, and their rows of evidence: log-likelihood ratios
 * against the present explanation, in nats. Rules write rows; the search changes what is explained.
 */
export interface CellState {
  readonly cells: Cells;
  readonly p: Parameters;
  readonly rows: Float64Array;
  /** Baseline loss with its tolerance, as evidence is measured against it, and its spread. */
  readonly loss: Float64Array;
  readonly baseLoss: Float64Array;
  readonly spread: Float64Array;
  readonly excess: Float64Array;
  /** Probability that nothing private, or of a broken share, is wrong with the cell's loss. */
  readonly sound: Float64Array;
  /** Column of the loss that a broken share of cells is known to have; -1: none is. */
  readonly brokenAt: Int8Array;
  readonly lnOutlier: Float64Array;
  readonly lnNull: Float64Array;
  readonly lossWeight: Float64Array;
  /** This window's mean round trip without the common mode, its baseline (NaN: none), its scale. */
  readonly rtt: Float64Array;
  readonly baseRtt: Float64Array;
  readonly rttScale: Float64Array;
  readonly rttMinShift: Float64Array;
  readonly shift: Float64Array;
  readonly lnRttOutlier: Float64Array;
  readonly lnRttNull: Float64Array;
  readonly rttWeight: Float64Array;
  /** Probability that a cell that tries is not dead, but for the base rate. */
  readonly living: Float64Array;
  /** Baseline share of attempts met with silence, with its tolerance, its spread, and the excess. */
  readonly silence: Float64Array;
  readonly silenceSpread: Float64Array;
  readonly silenceExcess: Float64Array;
  readonly lnSilenceOutlier: Float64Array;
  readonly lnSilenceNull: Float64Array;
  readonly silenceWeight: Float64Array;
  /** 1: its receiver keeps it waiting, which is no news of the network. */
  readonly stalled: Uint8Array;
}

export function cellState(cells: Cells, p: Parameters): CellState {
  const { length } = cells;
  const base = baselines(cells, p);
  const numbers = () => new Float64Array(length);
  const rtt = numbers();
  const rttMinShift = numbers();
  const common = commonRtt(cells, base.rtt, p);
  for (let i = 0; i < length; i += 1) {
    rtt[i] = (cells.rttSum[i] as number) / (cells.rttCount[i] as number) / common;
    rttMinShift[i] = (cells.rttMin[i] as number) / common - (base.rttMin[i] as number);
  }
  return {
    cells,
    p,
    rows: new Float64Array(length * COLUMNS),
    loss: base.loss.map((loss) => loss * p.tolerance + p.toleranceAdded),
    baseLoss: base.loss,
    spread: base.spread,
    excess: numbers(),
    sound: numbers().fill(1 - p.privateLoss),
    brokenAt: new Int8Array(length).fill(-1),
    lnOutlier: numbers(),
    lnNull: numbers(),
    lossWeight: numbers(),
    rtt,
    baseRtt: base.rtt,
    rttScale: base.rttScale,
    rttMinShift,
    shift: numbers(),
    lnRttOutlier: numbers(),
    lnRttNull: numbers(),
    rttWeight: numbers(),
    living: numbers().fill(1 - p.privateDead * p.deadGivenFault),
    silence: base.silence.map((share) =>
      Math.min(p.maxSilence, share * p.tolerance + p.silenceAdded),
    ),
    silenceSpread: base.silenceSpread,
    silenceExcess: numbers(),
    lnSilenceOutlier: numbers(),
    lnSilenceNull: numbers(),
    silenceWeight: numbers(),
    stalled: Uint8Array.from({ length }, (_, i) => Number(isStalled(cells, i, p))),
  };
}

function commonRtt(cells: Cells, baseRtt: Float64Array, p: Parameters): number {
  const ratios = new Float64Array(cells.length);
  let known = 0;
  for (let i = 0; i < cells.length; i += 1) {
    const mean = (cells.rttSum[i] as number) / (cells.rttCount[i] as number);
    const ratio = mean / (baseRtt[i] as number);
    if (ratio > 0 && ratio < Number.POSITIVE_INFINITY) ratios[known++] = ratio;
  }
  return commonMode(ratios.subarray(0, known), p);
}

/** ln(e^a + e^b). */
export function lnAdd(a: number, b: number): number {
  const max = Math.max(a, b);
  return max === Number.NEGATIVE_INFINITY ? max : max + Math.log1p(Math.exp(-Math.abs(a - b)));
}

export function clip(nats: number, max: number): number {
  return Math.min(max, Math.max(-max, nats));
}
