import type { SimWindow } from '../sim/sim-window.ts';

/** A construct that a method blames for a window. */
export interface Blame {
  readonly construct: number;
  /** Whether the method attributes the fault to the network. */
  readonly isNetwork: boolean;
  /** Other constructs that the method considers possible. */
  readonly ambiguous: readonly number[];
  /** Estimated added loss (0 to 1) or round trip (microseconds); undefined if not estimated. */
  readonly severity?: number | undefined;
  /** The method's probability that the blame is right; undefined if it gives none. */
  readonly confidence?: number | undefined;
}

/** A method of fault localisation. */
export interface Detector {
  readonly name: string;
  /** Learns from a window without a shared fault. */
  learn(window: SimWindow): void;
  /** Judges one window independently of the windows judged before. */
  judge(window: SimWindow): readonly Blame[];
}

export type MakeDetector = () => Detector;
