import type { CellColumns } from './cell-columns.ts';

/**
 * A window of cells of one account and Region. A cell is what one host reported in one window about
 * one remote address, service port and side. Arrays are parallel: index i is cell i. Unknown counts
 * are 0, and 0 is no evidence.
 */
export interface CellFrame {
  readonly length: number;
  /** The construct of the local host, and that of the remote end (`endpoint` or `service`). */
  readonly host: Uint32Array;
  readonly remote: Uint32Array;
  /**
   * The constructs each cell traverses, its host and remote end included, in compressed rows: the
   * path of cell i is `path[pathStart[i]]` to `path[pathStart[i + 1] - 1]`.
   */
  readonly pathStart: Uint32Array;
  readonly path: Uint32Array;
  /** `IDLE`, `ALIVE` or `DEAD`. */
  readonly life: Uint8Array;
  /** 1: the remote end refused connections (RST), and every SYN was answered. */
  readonly refused: Uint8Array;
  /** Index of the baseline class in the arrays of `classes`. */
  readonly baselineClass: Uint32Array;
}

export type CellPaths = Pick<CellFrame, 'host' | 'remote' | 'pathStart' | 'path'>;

export type NumberArrays<Name extends string> = { readonly [Key in Name]: Float64Array };

/** Cells with the columns of a channel. */
export type CellsWith<Columns> =
  Columns extends CellColumns<infer Count, infer History, infer OfClass, infer Constant>
    ? CellFrame &
        NumberArrays<Count> & {
          /**
           * Sums over earlier windows, each weighted by its age (half-life one day) and by the
           * probability that the cell was healthy. 0 for a new cell.
           */
          readonly history: NumberArrays<History>;
          /** The same sums over all cells of each baseline class: one category between two places. */
          readonly classes: NumberArrays<OfClass | Constant>;
        }
    : never;
