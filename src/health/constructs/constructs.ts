import type { ConstructClassName } from './construct-class.ts';

/** What cells traverse, by the index that `path`, `host` and `remote` hold. */
export interface Constructs {
  /** Equal names are the same construct in every window. */
  readonly names: readonly string[];
  readonly classes: readonly ConstructClassName[];
  /** Hosts whose allowance counters rose in the window (1), did not (0), or are not known (2). */
  readonly limited: Uint8Array;
  /** When the topology around it last changed, seconds since 1970; 0 when it never did. */
  readonly changedSeconds: Float64Array;
  /** 0: not to be blamed, as not all of its cells are here. */
  readonly eligible: Uint8Array;
  /** 1: under alarm from earlier windows. */
  readonly alarmed: Uint8Array;
}
