import { type CellState, COLUMNS, clip, lnAdd } from '../evidence/cell-state.ts';
import type { Parameters } from '../parameters.ts';

/** A kind of fault that one number of a grid measures. */
export interface GridFault {
  /** Its first column in a cell's row. */
  readonly firstColumn: number;
  readonly grid: (p: Parameters) => readonly number[];
  /** How likely a cell has one of its own. */
  readonly privateShare: (p: Parameters) => number;
  /** ln P(what the cell says) with this much of it more than is explained. */
  readonly lnLikelihood: (state: CellState, i: number, more: number) => number;
}

/** How a cell stands with nothing new said of it. */
export interface Unexplained {
  /** ln P with a private fault of any size of the grid. */
  lnOutlier: number;
  /** ln P with a private fault or without. */
  lnNull: number;
  /** How likely it has none. */
  weight: number;
}

const nats = new Float64Array(16);
/** Owned by `gridRow`, lent to who called it last. */
const said: Unexplained = { lnOutlier: 0, lnNull: 0, weight: 0 };

/**
 * Fills a cell's row: how much better each size of the grid explains it than nothing does. A private
 * fault may always be the reason, so no cell says more than about 6 nats. Undefined, with the row
 * as it was, when the counters make no sense.
 */
export function gridRow(state: CellState, i: number, fault: GridFault): Unexplained | undefined {
  const { p, rows } = state;
  const sizes = fault.grid(p);
  const now = fault.lnLikelihood(state, i, 0);
  let max = now;
  for (let k = 0; k < sizes.length; k += 1) {
    const own = fault.lnLikelihood(state, i, sizes[k] as number);
    nats[k] = own;
    if (own > max) max = own;
  }
  let outlier = 0;
  for (let k = 0; k < sizes.length; k += 1) outlier += Math.exp((nats[k] as number) - max);
  outlier /= sizes.length;
  const privateShare = fault.privateShare(p);
  const nullNow = (1 - privateShare) * Math.exp(now - max);
  const nullLikelihood = nullNow + privateShare * outlier;
  if (!(nullLikelihood > 0)) return undefined;
  const at = i * COLUMNS + fault.firstColumn;
  for (let k = 0; k < sizes.length; k += 1) {
    const likelihood =
      (1 - privateShare) * Math.exp((nats[k] as number) - max) + privateShare * outlier;
    rows[at + k] = clip(Math.log(likelihood / nullLikelihood), p.maxNatsPerCell);
  }
  said.lnOutlier = Math.log(outlier) + max;
  said.lnNull = Math.log(nullLikelihood) + max;
  said.weight = nullNow / nullLikelihood;
  return said;
}

/** What a hypothesis says of a cell that may have a private fault instead. */
export interface Hypothesis {
  readonly lnLikelihood: number;
  readonly privateShare: number;
  readonly lnOutlier: number;
  /** -Infinity of a cell that says nothing. */
  readonly lnNull: number;
}

/** A cell's evidence, in nats, for a hypothesis. */
export function natsFor(hypothesis: Hypothesis, p: Parameters): number {
  const { lnLikelihood, privateShare, lnOutlier, lnNull } = hypothesis;
  if (lnNull === Number.NEGATIVE_INFINITY) return 0;
  const sound = Math.log(1 - privateShare) + lnLikelihood;
  return clip(lnAdd(sound, Math.log(privateShare) + lnOutlier) - lnNull, p.maxNatsPerCell);
}
