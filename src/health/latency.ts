import { type CellState, COLUMNS, clip, lnAdd, SHIFT_AT } from './cell-state.ts';

const grid = new Float64Array(16);

/**
 * A cell's evidence of added round-trip time: Student's t of 4 degrees, as a few per cent of
 * windows are far off by themselves. None without a history of the cell's own, nor of one
 * whose receiver keeps it waiting.
 */
export function latencyRow(state: CellState, i: number): void {
  const { p, rows } = state;
  const at = i * COLUMNS + SHIFT_AT;
  const count = p.shiftGrid.length;
  if (!isJudged(state, i)) {
    rows.fill(0, at, at + count);
    state.lnRttNull[i] = Number.NEGATIVE_INFINITY;
    state.rttWeight[i] = (state.rtt[i] as number) > 0 && state.stalled[i] === 0 ? 1 : 0;
    return;
  }
  const now = lnShift(state, i, 0);
  let most = now;
  for (let k = 0; k < count; k += 1) {
    const nats = lnShift(state, i, p.shiftGrid[k] as number);
    grid[k] = nats;
    if (nats > most) most = nats;
  }
  let outlier = 0;
  for (let k = 0; k < count; k += 1) outlier += Math.exp((grid[k] as number) - most);
  outlier /= count;
  const sound = 1 - p.privateLatency;
  const nullNow = sound * Math.exp(now - most);
  const nullLikelihood = nullNow + p.privateLatency * outlier;
  state.lnRttOutlier[i] = Math.log(outlier) + most;
  state.lnRttNull[i] = Math.log(nullLikelihood) + most;
  state.rttWeight[i] = nullNow / nullLikelihood;
  for (let k = 0; k < count; k += 1) {
    const likelihood = sound * Math.exp((grid[k] as number) - most) + p.privateLatency * outlier;
    rows[at + k] = clip(Math.log(likelihood / nullLikelihood), p.mostNatsPerCell);
  }
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

/** A cell's evidence, in nats, that this many microseconds were added. */
export function latencyNats(state: CellState, i: number, micros: number): number {
  const lnNull = state.lnRttNull[i] as number;
  if (lnNull === Number.NEGATIVE_INFINITY) return 0;
  const { privateLatency, mostNatsPerCell } = state.p;
  const likelihood = Math.log(1 - privateLatency) + lnShift(state, i, micros);
  const escaped = Math.log(privateLatency) + (state.lnRttOutlier[i] as number);
  return clip(lnAdd(likelihood, escaped) - lnNull, mostNatsPerCell);
}
