import type { SimNetwork } from './sim-network.ts';

/** What happened to a construct, and how much. */
export interface SimFault {
  readonly construct: number;
  readonly kind: FaultKind;
  /** Added loss (0 to 1) of the cells it hits, or added round trip in microseconds for `latency`. */
  readonly severity: number;
  /** Share of the construct's cells it hits. */
  readonly share: number;
}

export type FaultKind = 'loss' | 'latency' | 'flap' | 'dead' | 'refuse' | 'stall';

/**
 * What the agents of a network saw in one window, by cell of the network, and what was true. A cell
 * with no segments and no connection attempts did nothing. Counters are doubles that hold integers.
 */
export interface SimWindow {
  readonly network: SimNetwork;
  readonly index: number;
  /** Data segments sent, retransmissions included, and how many of them were retransmissions. */
  readonly segments: Float64Array;
  readonly retrans: Float64Array;
  readonly timeouts: Float64Array;
  /** Bytes the other side acknowledged. */
  readonly delivered: Float64Array;
  readonly connects: Float64Array;
  readonly failedConnects: Float64Array;
  readonly synRetrans: Float64Array;
  /** Time with something to send, and of it the time the receiver's window was full. Microseconds. */
  readonly busyMicros: Float64Array;
  readonly rwndLimitedMicros: Float64Array;
  /** Microseconds; 0 where nothing was measured. */
  readonly rttMean: Float64Array;
  readonly rttMin: Float64Array;
  /** Constructs of hosts whose interface hit a limit of its instance type. */
  readonly limited: ReadonlySet<number>;
  /** Constructs whose routes or rules were changed within the last two minutes. */
  readonly changed: ReadonlySet<number>;
  /** Faults of what is shared, of services and of images: what there is to be found. */
  readonly faults: readonly SimFault[];
  /** Always-on trouble: sick hosts and applications. A host named here may be blamed, a path not. */
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
