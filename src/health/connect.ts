import { type CellState, COLUMNS, clip, lnAdd, SILENCE_AT } from './cell-state.ts';
import { DEAD } from './cells.ts';
import { lnRising } from './negative-binomial.ts';

const grid = new Float64Array(16);

/**
 * A cell's evidence that a share of its connection attempts is met with silence: their SYN is sent
 * again. What is left to see of a broken next hop once connections that live avoid it. A dead cell's
 * silence is heard in the dead channel.
 */
export function connectRow(state: CellState, i: number): void {
  const { cells, p, rows } = state;
  const at = i * COLUMNS + SILENCE_AT;
  const count = p.silenceGrid.length;
  const attempts = cells.attempts[i] as number;
  if (!(attempts > 0) || cells.life[i] === DEAD) {
    sayNothing(state, i);
    return;
  }
  const now = lnSilence(state, i, 0);
  let most = now;
  for (let k = 0; k < count; k += 1) {
    const nats = lnSilence(state, i, p.silenceGrid[k] as number);
    grid[k] = nats;
    if (nats > most) most = nats;
  }
  let outlier = 0;
  for (let k = 0; k < count; k += 1) outlier += Math.exp((grid[k] as number) - most);
  outlier /= count;
  const sound = 1 - p.privateSilence;
  const nullNow = sound * Math.exp(now - most);
  const nullLikelihood = nullNow + p.privateSilence * outlier;
  // Also of counters that make no sense.
  if (!(nullLikelihood > 0)) {
    sayNothing(state, i);
    return;
  }
  state.lnSilenceOutlier[i] = Math.log(outlier) + most;
  state.lnSilenceNull[i] = Math.log(nullLikelihood) + most;
  state.silenceWeight[i] = nullNow / nullLikelihood;
  for (let k = 0; k < count; k += 1) {
    const likelihood = sound * Math.exp((grid[k] as number) - most) + p.privateSilence * outlier;
    rows[at + k] = clip(Math.log(likelihood / nullLikelihood), p.mostNatsPerCell);
  }
}

function sayNothing(state: CellState, i: number): void {
  state.rows.fill(0, i * COLUMNS + SILENCE_AT, (i + 1) * COLUMNS);
  state.lnSilenceNull[i] = Number.NEGATIVE_INFINITY;
  state.silenceWeight[i] = 0;
}

/**
 * ln P(silent attempts) with this share more met with silence: beta-binomial, as the attempts of a
 * cell share their fate. But for the binomial coefficient, which every hypothesis has.
 */
function lnSilence(state: CellState, i: number, more: number): number {
  const { cells, p } = state;
  const attempts = Math.floor(cells.attempts[i] as number);
  const silent = Math.min(attempts, Math.floor(cells.silent[i] as number));
  const base = state.silence[i] as number;
  const excess = 1 - (1 - (state.silenceExcess[i] as number)) * (1 - more);
  const share = 1 - (1 - base) * (1 - excess);
  const a = excess > 0 ? share * p.silenceConcentration : 1 / (state.silenceSpread[i] as number);
  const b = (a * (1 - share)) / share;
  return lnRising(a, silent) + lnRising(b, attempts - silent) - lnRising(a + b, attempts);
}

/** A cell's evidence, in nats, that this share of its attempts more is met with silence. */
export function connectNats(state: CellState, i: number, share: number): number {
  const lnNull = state.lnSilenceNull[i] as number;
  if (lnNull === Number.NEGATIVE_INFINITY) return 0;
  const { privateSilence, mostNatsPerCell } = state.p;
  const likelihood = Math.log(1 - privateSilence) + lnSilence(state, i, share);
  const escaped = Math.log(privateSilence) + (state.lnSilenceOutlier[i] as number);
  return clip(lnAdd(likelihood, escaped) - lnNull, mostNatsPerCell);
}
