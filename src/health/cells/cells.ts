/**
 * What a window of cells is. A cell is what one host said in one window of one remote address,
 * service port and side; everything here is about one account and Region. Arrays are parallel: place `i` of each
 * is about cell `i`. Counts that are not known are 0, and 0 is no evidence.
 */
export interface Cells {
  readonly length: number;
  /** The local host's construct, and the remote end's (`endpoint` or `service`). */
  readonly host: Uint32Array;
  readonly remote: Uint32Array;
  /**
   * The constructs each cell traverses, its host and remote end among them, in compressed rows:
   * those of cell i are `path[pathStart[i]]` up to, without, `path[pathStart[i + 1]]`.
   */
  readonly pathStart: Uint32Array;
  readonly path: Uint32Array;
  /** Data segments sent, retransmissions included, and retransmitted: local to remote only. */
  readonly segments: Float64Array;
  readonly retrans: Float64Array;
  /** Round trips, microseconds: samples, their sum, the least of them. */
  readonly rttCount: Float64Array;
  readonly rttSum: Float64Array;
  readonly rttMin: Float64Array;
  /** Attempts to connect, and those met with silence: their SYN was sent again. */
  readonly attempts: Float64Array;
  readonly silent: Float64Array;
  /** Time with something to send, and of it the time the receiver's window forbade it. Microseconds. */
  readonly busyMicros: Float64Array;
  readonly rwndLimitedMicros: Float64Array;
  /** `DEAD`: it tried and nothing came through. `ALIVE`: something did. `IDLE`: it did not try. */
  readonly life: Uint8Array;
  /** 1: connections were refused (RST), none were met with silence. */
  readonly refused: Uint8Array;
  readonly history: CellHistory;
  /** What of `classes` a cell's baseline shrinks to. */
  readonly baselineClass: Uint32Array;
  readonly classes: BaselineClasses;
}

export const IDLE = 0;
export const ALIVE = 1;
export const DEAD = 2;

/**
 * Sums over a cell's earlier windows, each weighted by its age (half-life a day) and by how sure it
 * is that the window was healthy. All 0 for a cell that was never seen.
 */
export interface CellHistory {
  readonly retrans: Float64Array;
  readonly segments: Float64Array;
  /** Weights of windows with round trips; sums of ln(mean), ln²(mean) and ln(min), microseconds. */
  readonly rttWeight: Float64Array;
  readonly lnRtt: Float64Array;
  readonly lnRttSquare: Float64Array;
  readonly lnRttMin: Float64Array;
  readonly attempts: Float64Array;
  readonly silent: Float64Array;
  readonly busyMicros: Float64Array;
  readonly rwndLimitedMicros: Float64Array;
}

/** Baseline classes: cells of one category between the same places. Sums as in `CellHistory`. */
export interface BaselineClasses {
  readonly retrans: Float64Array;
  readonly segments: Float64Array;
  readonly attempts: Float64Array;
  readonly silent: Float64Array;
  /** Retransmissions a segment that are taken for normal before anything is known. */
  readonly priorLoss: Float64Array;
}
