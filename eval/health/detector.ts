import type { SimWindow } from '../sim/sim-window.ts';

/** What a method blames for what it saw in a window. */
export interface Blame {
  readonly construct: number;
  /** Whether it says that the network is at fault. */
  readonly isNetwork: boolean;
  /** What else it may be. */
  readonly ambiguous: readonly number[];
  /** Added loss (0 to 1) or round trip (microseconds) it finds; undefined where it does not say. */
  readonly severity?: number | undefined;
  /** Its own probability of being right; undefined where it gives none. */
  readonly confidence?: number | undefined;
}

/** A method of fault localisation under comparison. */
export interface Detector {
  readonly name: string;
  /** Sees a window without a shared fault, as history. */
  learn(window: SimWindow): void;
  /** Judges one window on its own. */
  judge(window: SimWindow): readonly Blame[];
}

export type MakeDetector = () => Detector;
