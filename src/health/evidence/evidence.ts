import type { Cells } from '../cells/cells.ts';
import { connectRow } from '../channels/connect.ts';
import { deadRow } from '../channels/dead.ts';
import { latencyRow } from '../channels/latency.ts';
import { lossRow } from '../channels/loss.ts';
import type { Parameters } from '../parameters.ts';
import {
  type CellState,
  COLUMNS,
  cellState,
  DEAD_AT,
  FRACTION_AT,
  LOSS_AT,
  SHIFT_AT,
  SILENCE_AT,
} from './cell-state.ts';

export type Channel = 'loss' | 'latency' | 'dead' | 'connect';
export const CHANNELS: readonly Channel[] = ['loss', 'latency', 'dead', 'connect'];

interface ChannelRule {
  /** Its columns of a row. */
  readonly from: number;
  readonly to: number;
  /** Writes a cell's row from what is explained of the cell. */
  readonly row: (state: CellState, cell: number) => void;
}

export const RULES: Readonly<Record<Channel, ChannelRule>> = {
  loss: { from: LOSS_AT, to: SHIFT_AT, row: lossRow },
  latency: { from: SHIFT_AT, to: DEAD_AT, row: latencyRow },
  dead: { from: DEAD_AT, to: SILENCE_AT, row: deadRow },
  connect: { from: SILENCE_AT, to: COLUMNS, row: connectRow },
};

/**
 * The evidence about every construct: the sum of its cells' rows. Kept up to date while the search
 * changes what is explained of some cells; nothing else is computed again.
 */
export class Evidence {
  readonly state: CellState;
  /** A row a construct. */
  readonly totals: Float64Array;
  readonly constructs: number;
  readonly #cellStart: Uint32Array;
  readonly #cellsOf: Uint32Array;

  constructor(cells: Cells, constructs: number, p: Parameters) {
    this.state = cellState(cells, p);
    this.constructs = constructs;
    this.totals = new Float64Array(constructs * COLUMNS);
    [this.#cellStart, this.#cellsOf] = invert(cells, constructs);
    for (let i = 0; i < cells.length; i += 1) {
      for (const channel of CHANNELS) RULES[channel].row(this.state, i);
      this.#addRow(i, { from: 0, to: COLUMNS, sign: 1 });
    }
  }

  cellsOf(construct: number): Uint32Array {
    return this.#cellsOf.subarray(this.#cellStart[construct], this.#cellStart[construct + 1]);
  }

  /** Writes the rows of a construct's cells anew after what is explained of them has changed. */
  refresh(construct: number, channel: Channel): void {
    const { from, to, row } = RULES[channel];
    for (const i of this.cellsOf(construct)) {
      this.#addRow(i, { from, to, sign: -1 });
      row(this.state, i);
      this.#addRow(i, { from, to, sign: 1 });
    }
  }

  /** Log of a construct's e-value in a channel: the mean over the channel's columns. */
  lnE(construct: number, channel: Channel): number {
    const { from, to } = RULES[channel];
    return lnMeanExp(this.totals, construct * COLUMNS + from, construct * COLUMNS + to);
  }

  /**
   * As `lnE` without the cell that says most in each column. What is wrong with one application is
   * wrong in each window: added up, it would convict what few others traverse.
   */
  lnEOfOthers(construct: number, channel: Channel): number {
    const { from, to } = RULES[channel];
    const others = this.totals.slice(construct * COLUMNS + from, construct * COLUMNS + to);
    for (let k = from; k < to; k += 1) {
      let max = 0;
      for (const i of this.cellsOf(construct)) {
        max = Math.max(max, this.state.rows[i * COLUMNS + k] as number);
      }
      (others[k - from] as number) -= max;
    }
    return lnMeanExp(others, 0, others.length);
  }

  /** The greatest column of a construct in a channel. */
  bestColumn(construct: number, channel: Channel): number {
    const { from, to } = RULES[channel];
    let best = from;
    const at = construct * COLUMNS;
    for (let k = from; k < to; k += 1) {
      if ((this.totals[at + k] as number) > (this.totals[at + best] as number)) best = k;
    }
    return best;
  }

  /** What a column stands for: a size of all of a construct's cells, or a share of them. */
  coarseSeverity(channel: Channel, column: number): CoarseSeverity {
    const { p } = this.state;
    if (channel === 'latency') return uniform(p.shiftGrid[column - SHIFT_AT]);
    if (channel === 'connect') return uniform(p.silenceGrid[column - SILENCE_AT]);
    if (channel === 'dead') return fraction(p.fractionGrid[column - DEAD_AT]);
    return column < FRACTION_AT
      ? uniform(p.lossGrid[column - LOSS_AT])
      : fraction(p.fractionGrid[column - FRACTION_AT]);
  }

  #addRow(
    cell: number,
    { from, to, sign }: { readonly from: number; readonly to: number; readonly sign: 1 | -1 },
  ): void {
    const { cells, rows } = this.state;
    const at = cell * COLUMNS;
    const end = cells.pathStart[cell + 1] as number;
    for (let j = cells.pathStart[cell] as number; j < end; j += 1) {
      const total = (cells.path[j] as number) * COLUMNS;
      for (let k = from; k < to; k += 1) {
        (this.totals[total + k] as number) += sign * (rows[at + k] as number);
      }
    }
  }
}

interface CoarseSeverity {
  readonly shape: 'uniform' | 'fraction';
  readonly size: number;
}

const uniform = (size = 0): CoarseSeverity => ({ shape: 'uniform', size });
const fraction = (size = 0): CoarseSeverity => ({ shape: 'fraction', size });

/** The cells of each construct, in compressed rows. */
function invert(cells: Cells, constructs: number): [Uint32Array, Uint32Array] {
  const start = new Uint32Array(constructs + 1);
  for (const construct of cells.path) (start[construct + 1] as number) += 1;
  for (let c = 0; c < constructs; c += 1) (start[c + 1] as number) += start[c] as number;
  const next = start.slice();
  const of = new Uint32Array(cells.path.length);
  for (let i = 0; i < cells.length; i += 1) {
    const end = cells.pathStart[i + 1] as number;
    for (let j = cells.pathStart[i] as number; j < end; j += 1) {
      const construct = cells.path[j] as number;
      of[next[construct] as number] = i;
      (next[construct] as number) += 1;
    }
  }
  return [start, of];
}

/** ln of the mean of e^x over a range. */
export function lnMeanExp(values: Float64Array, from: number, to: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let k = from; k < to; k += 1) max = Math.max(max, values[k] as number);
  let sum = 0;
  for (let k = from; k < to; k += 1) sum += Math.exp((values[k] as number) - max);
  return max + Math.log(sum / (to - from));
}
