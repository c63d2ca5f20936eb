import type { SimNetwork } from './sim-network.ts';

/** A fault of a construct. */
export interface SimFault {
  readonly construct: number;
  readonly kind: FaultKind;
  /** Added loss (0 to 1) of the affected cells; for `latency`, added round trip in microseconds. */
  readonly severity: number;
  /** Share of the construct's cells that are affected. */
  readonly share: number;
}

export type FaultKind = 'loss' | 'latency' | 'flap' | 'dead' | 'refuse' | 'stall';

/**
 * The counters of one window as the agents of a network report them, by cell, and the true faults. A
 * cell without segments and connection attempts was idle. Counters are doubles that hold integers.
 */
export interface SimWindow {
  readonly network: SimNetwork;
  readonly index: number;
  /** Data segments sent, retransmissions included, and the retransmissions among them. */
  readonly segments: Float64Array;
  readonly retrans: Float64Array;
  readonly timeouts: Float64Array;
  /** Bytes that the other side acknowledged. */
  readonly delivered: Float64Array;
  readonly connects: Float64Array;
  readonly failedConnects: Float64Array;
  readonly synRetrans: Float64Array;
  /** Microseconds with data to send, and those of them with the receiver's window full. */
  readonly busyMicros: Float64Array;
  readonly rwndLimitedMicros: Float64Array;
  /** Microseconds; 0 if nothing was measured. */
  readonly rttMean: Float64Array;
  readonly rttMin: Float64Array;
  /** Constructs of hosts whose interface reached a limit of its instance type. */
  readonly limited: ReadonlySet<number>;
  /** Constructs with routes or rules that changed within the last two minutes. */
  readonly changed: ReadonlySet<number>;
  /** Faults of shared constructs, services and images, which a method should find. */
  readonly faults: readonly SimFault[];
  /** The permanently sick hosts: blaming one of these hosts is right, blaming its path is wrong. */
  readonly sickHosts: ReadonlySet<number>;
}

export function emptyWindow(network: SimNetwork, index: number): SimWindow {
  const zeros = () => new Float64Array(network.cells);
  return {
    network,
    index,
    segments: zeros(),
    retrans: zeros(),
    timeouts: zeros(),
    delivered: zeros(),
    connects: zeros(),
    failedConnects: zeros(),
    synRetrans: zeros(),
    busyMicros: zeros(),
    rwndLimitedMicros: zeros(),
    rttMean: zeros(),
    rttMin: zeros(),
    limited: new Set(),
    changed: new Set(),
    faults: [],
    sickHosts: new Set(),
  };
}
