import { DEAD } from '../cells/cells.ts';
import {
  type CellState,
  COLUMNS,
  clip,
  FRACTION_AT,
  LOSS_AT,
  SHIFT_AT,
} from '../evidence/cell-state.ts';
import { natsFor } from './grid-fault.ts';
import { lnNegativeBinomial } from './negative-binomial.ts';

/** Of the loss grid, what is more than a burst: a private fault is one of these. */
const PRIVATE_FROM = 1;

const grid = new Float64Array(16);

/**
 * A cell's evidence of loss: for each excess of the grid, and each broken share of cells, how much
 * better it explains the retransmissions than what is explained already. A private fault may always
 * be the reason, so no cell says more than about 6 nats.
 */
export function lossRow(state: CellState, i: number): void {
  const { p, rows } = state;
  // What a dead cell sends again is silence, and told in the dead channel.
  if (state.cells.life[i] === DEAD) {
    sayNothing(state, i);
    return;
  }
  const at = i * COLUMNS + LOSS_AT;
  const excess = state.excess[i] as number;
  const now = lnLoss(state, i, excess);
  let max = now;
  for (let k = 0; k < p.lossGrid.length; k += 1) {
    const nats = lnLoss(state, i, excess + (p.lossGrid[k] as number));
    grid[k] = nats;
    if (nats > max) max = nats;
  }
  let outlier = 0;
  for (let k = PRIVATE_FROM; k < p.lossGrid.length; k += 1) {
    outlier += Math.exp((grid[k] as number) - max);
  }
  outlier /= p.lossGrid.length - PRIVATE_FROM;
  const brokenAt = state.brokenAt[i] as number;
  if (brokenAt >= 0) {
    const broken = Math.exp((grid[brokenAt] as number) - max);
    outlier = p.brokenLoss * broken + (1 - p.brokenLoss) * outlier;
  }
  const sound = state.sound[i] as number;
  const nullNow = sound * Math.exp(now - max);
  const nullLikelihood = nullNow + (1 - sound) * outlier;
  // Also of counters that make no sense.
  if (!(nullLikelihood > 0)) {
    sayNothing(state, i);
    return;
  }
  state.lnOutlier[i] = Math.log(outlier) + max;
  state.lnNull[i] = Math.log(nullLikelihood) + max;
  state.lossWeight[i] = nullNow / nullLikelihood;
  for (let k = 0; k < p.lossGrid.length; k += 1) {
    const likelihood = sound * Math.exp((grid[k] as number) - max) + (1 - sound) * outlier;
    rows[at + k] = clip(Math.log(likelihood / nullLikelihood), p.maxNatsPerCell);
  }
  const ratio = outlier / nullLikelihood - 1;
  for (let k = 0; k < p.fractionGrid.length; k += 1) {
    const nats = Math.log1p((p.fractionGrid[k] as number) * ratio);
    rows[i * COLUMNS + FRACTION_AT + k] = clip(nats, p.maxNatsPerCell);
  }
}

function sayNothing(state: CellState, i: number): void {
  state.rows.fill(0, i * COLUMNS + LOSS_AT, i * COLUMNS + SHIFT_AT);
  state.lnNull[i] = Number.NEGATIVE_INFINITY;
  state.lossWeight[i] = 0;
}

/** ln P(retransmissions) at a loss in excess of the baseline; NaN without a segment. */
function lnLoss({ cells, p, loss, spread }: CellState, i: number, excess: number): number {
  const r = Math.floor(cells.retrans[i] as number);
  const n = Math.max(cells.segments[i] as number, r);
  const base = n * (loss[i] as number);
  const more = n * excess;
  const mean = base + more;
  const overdispersion =
    mean * (p.burstiness - 1) + base * base * (spread[i] as number) + more * more * p.faultSpread;
  return lnNegativeBinomial(r, mean, overdispersion);
}

/** The loss, as a column of the grid, that suits a broken share of these cells best. */
export function brokenColumn(state: CellState, cells: Uint32Array): number {
  const { lossGrid } = state.p;
  const sums = lossGrid.map((loss, k) => {
    if (k < PRIVATE_FROM) return Number.NEGATIVE_INFINITY;
    let sum = 0;
    for (const i of cells) {
      const lnNull = state.lnNull[i] as number;
      if (lnNull === Number.NEGATIVE_INFINITY) continue;
      sum +=
        (1 - (state.lossWeight[i] as number)) *
        lnLoss(state, i, (state.excess[i] as number) + loss);
    }
    return sum;
  });
  return sums.indexOf(Math.max(...sums));
}

/** A cell's evidence, in nats, that it loses this much more than is explained. */
export function lossNats(state: CellState, i: number, excess: number): number {
  const hypothesis = {
    lnLikelihood: lnLoss(state, i, (state.excess[i] as number) + excess),
    privateShare: 1 - (state.sound[i] as number),
    lnOutlier: state.lnOutlier[i] as number,
    lnNull: state.lnNull[i] as number,
  };
  return natsFor(hypothesis, state.p);
}

/** A cell's evidence, in nats, that it is one of a broken share of cells of this size. */
export function lossFractionNats(state: CellState, i: number, share: number): number {
  const lnNull = state.lnNull[i] as number;
  if (lnNull === Number.NEGATIVE_INFINITY) return 0;
  const nats = Math.log1p(share * Math.expm1((state.lnOutlier[i] as number) - lnNull));
  return clip(nats, state.p.maxNatsPerCell);
}
