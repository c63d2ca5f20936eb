import type { Cells, Constructs } from './cells.ts';
import type { Parameters } from './parameters.ts';

export type Channel = 'loss' | 'latency' | 'dead';

/** A construct that explains what the window shows better than anything else. */
export interface Fault {
  readonly construct: number;
  readonly channel: Channel;
  /** All its cells, or a share of them. */
  readonly shape: 'uniform' | 'fraction';
  /** Excess loss, added microseconds, or (`fraction`, and `dead`) the share of its cells. */
  readonly size: number;
  readonly interval90: readonly [number, number];
  /** Log of its e-value given the other faults, and of its posterior odds. Nats. */
  readonly logE: number;
  readonly score: number;
  /** Others that would explain it nearly as well. */
  readonly ambiguous: readonly { readonly construct: number; readonly nats: number }[];
  /** Local hosts and remotes with at least a nat of evidence each. */
  readonly hosts: number;
  readonly remotes: number;
}

export interface Inference {
  readonly faults: readonly Fault[];
  /** Log e-value of each construct, given the faults. */
  readonly logE: Float64Array;
  /** How sure each cell is to be healthy, 0 to 1: what the window counts in its history. */
  readonly lossWeight: Float64Array;
  readonly rttWeight: Float64Array;
  /** What was taken for the baseline: loss a segment, round trip in microseconds (NaN: none yet). */
  readonly baseLoss: Float64Array;
  readonly baseRtt: Float64Array;
}

/**
 * Which constructs are at fault in a window of cells. Pure: same input, same faults. Cells without
 * a history are judged by their class's, classes without one by `priorLoss`; latency only by a
 * history of its own.
 */
export type Infer = (cells: Cells, constructs: Constructs, parameters: Parameters) => Inference;
