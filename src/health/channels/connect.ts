import { DEAD } from '../cells/cells.ts';
import { type CellState, COLUMNS, SILENCE_AT } from '../evidence/cell-state.ts';
import { type GridFault, gridRow, natsFor } from './grid-fault.ts';
import { lnRising } from './negative-binomial.ts';

/**
 * A cell's evidence that a share of its connection attempts is met with silence: their SYN is sent
 * again. What is left to see of a broken next hop once connections that live avoid it. A dead cell's
 * silence is heard in the dead channel.
 */
export function connectRow(state: CellState, i: number): void {
  const { cells } = state;
  const isHeard = (cells.attempts[i] as number) > 0 && cells.life[i] !== DEAD;
  const said = isHeard ? gridRow(state, i, SILENCE) : undefined;
  if (said === undefined) {
    sayNothing(state, i);
    return;
  }
  state.lnSilenceOutlier[i] = said.lnOutlier;
  state.lnSilenceNull[i] = said.lnNull;
  state.silenceWeight[i] = said.weight;
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

const SILENCE: GridFault = {
  firstColumn: SILENCE_AT,
  grid: (p) => p.silenceGrid,
  privateShare: (p) => p.privateSilence,
  lnLikelihood: lnSilence,
};

/** A cell's evidence, in nats, that this share of its attempts more is met with silence. */
export function connectNats(state: CellState, i: number, share: number): number {
  const hypothesis = {
    lnLikelihood: lnSilence(state, i, share),
    privateShare: state.p.privateSilence,
    lnOutlier: state.lnSilenceOutlier[i] as number,
    lnNull: state.lnSilenceNull[i] as number,
  };
  return natsFor(hypothesis, state.p);
}
