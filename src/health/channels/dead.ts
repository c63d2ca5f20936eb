import { DEAD, IDLE } from '../cells/cells.ts';
import { type CellState, COLUMNS, clip, DEAD_AT } from '../evidence/cell-state.ts';

/** A cell's evidence that a share of the cells through a construct gets nothing through. */
export function deadRow(state: CellState, i: number): void {
  const { p, rows } = state;
  for (let k = 0; k < p.fractionGrid.length; k += 1) {
    rows[i * COLUMNS + DEAD_AT + k] = deadNats(state, i, p.fractionGrid[k] as number);
  }
}

/** In nats; none of a cell that did not try. */
export function deadNats(state: CellState, i: number, share: number): number {
  const life = state.cells.life[i] as number;
  if (life === IDLE) return 0;
  const { p } = state;
  const dead = 1 - (state.living[i] as number) * (1 - p.deadBase);
  const ratio = life === DEAD ? p.deadGivenFault / dead : (1 - p.deadGivenFault) / (1 - dead);
  return clip(Math.log(1 - share + share * ratio), p.maxNatsPerCell);
}
