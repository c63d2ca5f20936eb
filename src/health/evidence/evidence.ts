import { FAULT_CHANNELS, type FaultChannel } from '../../model/health.ts';
import { stalledCells } from '../cells/stall.ts';
import type { ExplainedFault, Severity } from '../channels/channel.ts';
import {
  type Cells,
  type ChannelEvidences,
  openChannels,
  PLACES,
  WIDTH,
} from '../channels/registry.ts';
import { lnMeanExp } from '../nats.ts';
import type { Parameters } from '../parameters.ts';

/** Some columns of a row of evidence, `to` excluded. */
interface ColumnRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The evidence about every construct: the sum of its cells' rows. When the search changes what is
 * explained of some cells, only their rows are computed again.
 */
export class Evidence {
  readonly cells: Cells;
  readonly p: Parameters;
  /** By channel. */
  readonly of: ChannelEvidences;
  /** 1: the receiver keeps the cell waiting. */
  readonly stalled: Uint8Array;
  /** `WIDTH` numbers for each cell, and their sums for each construct. Nats. */
  readonly rows: Float64Array;
  readonly totals: Float64Array;
  /** Number of constructs. */
  readonly constructs: number;
  readonly #cellStart: Uint32Array;
  readonly #cellsOf: Uint32Array;

  constructor(cells: Cells, constructs: number, p: Parameters) {
    this.cells = cells;
    this.p = p;
    this.constructs = constructs;
    this.stalled = stalledCells(cells, p);
    this.rows = new Float64Array(cells.length * WIDTH);
    this.totals = new Float64Array(constructs * WIDTH);
    this.of = openChannels({ cells, p, stalled: this.stalled, values: this.rows });
    [this.#cellStart, this.#cellsOf] = invert(cells, constructs);
    const channels = FAULT_CHANNELS.map((channel) => this.of[channel]);
    for (let i = 0; i < cells.length; i += 1) {
      for (const channel of channels) channel.writeRow(i);
      this.#addRow(i, { from: 0, to: WIDTH }, 1);
    }
  }

  cellsOf(construct: number): Uint32Array {
    return this.#cellsOf.subarray(this.#cellStart[construct], this.#cellStart[construct + 1]);
  }

  /** Adds a fault of a construct to the explanation (1), or removes it again (-1). */
  explain(
    construct: number,
    { channel, ...severity }: Severity & { readonly channel: FaultChannel },
    sign: 1 | -1,
  ): void {
    const fault: ExplainedFault = { ...severity, cells: this.cellsOf(construct) };
    this.of[channel].explain(fault, sign);
    for (const i of fault.cells) {
      this.#addRow(i, PLACES[channel], -1);
      this.of[channel].writeRow(i);
      this.#addRow(i, PLACES[channel], 1);
    }
  }

  /** Log of a construct's e-value in a channel: the mean over the channel's columns. */
  lnE(construct: number, channel: FaultChannel): number {
    const { from, to } = PLACES[channel];
    return lnMeanExp(this.totals, construct * WIDTH + from, construct * WIDTH + to);
  }

  /**
   * `lnE` without the cell of most evidence in each column. A sick application is sick in every
   * window, so the sum over windows would accuse a construct with few other cells.
   */
  lnEOfOthers(construct: number, channel: FaultChannel): number {
    const { from, to } = PLACES[channel];
    const others = this.totals.slice(construct * WIDTH + from, construct * WIDTH + to);
    for (let k = from; k < to; k += 1) {
      let max = 0;
      for (const i of this.cellsOf(construct)) {
        max = Math.max(max, this.rows[i * WIDTH + k] ?? 0);
      }
      others[k - from] = (others[k - from] ?? 0) - max;
    }
    return lnMeanExp(others, 0, others.length);
  }

  /** The column of a channel with most evidence for a construct. */
  bestColumn(construct: number, channel: FaultChannel): number {
    const { from, to } = PLACES[channel];
    let best = from;
    const at = construct * WIDTH;
    for (let k = from; k < to; k += 1) {
      if ((this.totals[at + k] ?? 0) > (this.totals[at + best] ?? 0)) best = k;
    }
    return best;
  }

  #addRow(cell: number, { from, to }: ColumnRange, sign: 1 | -1): void {
    const { cells, rows } = this;
    const at = cell * WIDTH;
    const end = cells.pathStart[cell + 1] ?? 0;
    for (let j = cells.pathStart[cell] ?? 0; j < end; j += 1) {
      const total = (cells.path[j] ?? 0) * WIDTH;
      for (let k = from; k < to; k += 1) {
        this.totals[total + k] = (this.totals[total + k] ?? 0) + sign * (rows[at + k] ?? 0);
      }
    }
  }
}

/** The severity that a column of a channel stands for. */
export function severityOf(channel: FaultChannel, column: number): Severity {
  const { from, severities } = PLACES[channel];
  return severities[column - from] ?? { shape: 'uniform', size: 0 };
}

/** The cells of each construct, in compressed rows. */
function invert(cells: Cells, constructs: number): [Uint32Array, Uint32Array] {
  const start = new Uint32Array(constructs + 1);
  for (const construct of cells.path) start[construct + 1] = (start[construct + 1] ?? 0) + 1;
  for (let c = 0; c < constructs; c += 1) start[c + 1] = (start[c + 1] ?? 0) + (start[c] ?? 0);
  const next = start.slice();
  const of = new Uint32Array(cells.path.length);
  for (let i = 0; i < cells.length; i += 1) {
    const end = cells.pathStart[i + 1] ?? 0;
    for (let j = cells.pathStart[i] ?? 0; j < end; j += 1) {
      const construct = cells.path[j] ?? 0;
      of[next[construct] ?? 0] = i;
      next[construct] = (next[construct] ?? 0) + 1;
    }
  }
  return [start, of];
}
