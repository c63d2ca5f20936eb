import { type CellState, COLUMNS, SHIFT_AT } from '../evidence/cell-state.ts';
import { type GridFault, gridRow, natsFor } from './grid-fault.ts';

/**
 * A cell's evidence of added round-trip time: Student's t of 4 degrees, as a few per cent of
 * windows are far off by themselves. None without a history of the cell's own, nor of one
 * whose receiver keeps it waiting.
 */
export function latencyRow(state: CellState, i: number): void {
  const said = isJudged(state, i) ? gridRow(state, i, DELAY) : undefined;
  if (said === undefined) {
    const at = i * COLUMNS + SHIFT_AT;
    state.rows.fill(0, at, at + state.p.shiftGrid.length);
    state.lnRttNull[i] = Number.NEGATIVE_INFINITY;
    state.rttWeight[i] = (state.rtt[i] as number) > 0 && state.stalled[i] === 0 ? 1 : 0;
    return;
  }
  state.lnRttOutlier[i] = said.lnOutlier;
  state.lnRttNull[i] = said.lnNull;
  state.rttWeight[i] = said.weight;
}

function isJudged(state: CellState, i: number): boolean {
  const rtt = state.rtt[i] as number;
  if (state.stalled[i] === 1) return false;
  return rtt > 0 && rtt < Number.POSITIVE_INFINITY && (state.baseRtt[i] as number) > 0;
}

/** ln P(round trip) with this much added to what is explained, but for a constant. */
function lnShift(state: CellState, i: number, more: number): number {
  const shift = (state.shift[i] as number) + more;
  const own = state.rttScale[i] as number;
  const added = state.p.shiftScale * shift;
  const scaleSquare = own * own + added * added;
  const off = (state.rtt[i] as number) - (state.baseRtt[i] as number) - shift;
  return -2.5 * Math.log1p((off * off) / scaleSquare / 4) - 0.5 * Math.log(scaleSquare);
}

const DELAY: GridFault = {
  firstColumn: SHIFT_AT,
  grid: (p) => p.shiftGrid,
  privateShare: (p) => p.privateLatency,
  lnLikelihood: lnShift,
};

/** A cell's evidence, in nats, that this many microseconds were added. */
export function latencyNats(state: CellState, i: number, micros: number): number {
  const hypothesis = {
    lnLikelihood: lnShift(state, i, micros),
    privateShare: state.p.privateLatency,
    lnOutlier: state.lnRttOutlier[i] as number,
    lnNull: state.lnRttNull[i] as number,
  };
  return natsFor(hypothesis, state.p);
}
