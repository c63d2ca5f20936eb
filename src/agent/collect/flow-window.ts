import { addressText } from '../../model/address.ts';
import {
  addSamples,
  addValues,
  COUNTED_OPTIONAL_METRICS,
  emptyValues,
  plainIndex,
  timingIndex,
} from '../../model/flow-metrics.ts';
import type { ReportedFlow, Side } from '../../model/report.ts';
import type { NatMapping } from '../kernel/nat-table.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { type FlowRank, rankOf } from './flow-rank.ts';

/** The values of one flow in the current window: the growth in its connections' counters. */
export class FlowWindow {
  readonly side: Side;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly servicePort: number;
  readonly snatAddress: string | undefined;
  readonly dnatAddress: string | undefined;
  /** True for a sum of many folded flows. */
  readonly isCut: boolean;
  /** Open connections of this flow. */
  connections = 0;
  /** A connection of the flow was active in this window. */
  touched = false;
  /**
   * Undefined until a value is added. With many flows, most have ended when the window is taken.
   */
  #values: Float64Array | undefined;
  #processName: string | undefined;
  #cgroupId: number | undefined;

  constructor(flow: FlowKey & { readonly isCut?: boolean }) {
    this.side = flow.side;
    this.localAddress = flow.localAddress;
    this.remoteAddress = flow.remoteAddress;
    this.servicePort = flow.servicePort;
    this.snatAddress = flow.snatAddress;
    this.dnatAddress = flow.dnatAddress;
    this.isCut = flow.isCut ?? false;
  }

  /** Its rank by the values so far. */
  rank(): FlowRank {
    return rankOf(this.#written());
  }

  /** Adds this window's values to another's. The caller discards this one. */
  foldInto(other: FlowWindow): void {
    other.touched ||= this.touched;
    addValues(other.#written(), this.#written());
  }

  /** Records the process and cgroup of an active connection; "" and 0 are unknown. */
  setOwner(processName: string, cgroupId: number): void {
    if (processName !== '')
      this.#processName = agreed(this.#processName, processName, SEVERAL_NAMES);
    if (cgroupId !== 0) this.#cgroupId = agreed(this.#cgroupId, cgroupId, SEVERAL_CGROUPS);
  }

  /** Marks the flow active and returns its values, for `addTo`, `addSamples` and `addSampleTo`. */
  touch(): Float64Array {
    this.touched = true;
    return this.#written();
  }

  /**
   * Ends the window and returns it for a report.
   *
   * @param unknown indexes of the values that the source does not know
   * @param cgroupPath the path of a cgroup by its id
   */
  take(unknown: readonly number[], cgroupPath: (id: number) => string | undefined): ReportedFlow {
    const { side, localAddress, remoteAddress, servicePort } = this;
    const values = this.#written();
    const { snatAddress, dnatAddress } = this;
    const processName = this.#processName || undefined;
    const cgroup = this.#cgroupId === undefined ? undefined : cgroupPath(this.#cgroupId);
    for (const index of unknown) values[index] = Number.NaN;
    this.#values = undefined;
    this.touched = false;
    this.#processName = undefined;
    this.#cgroupId = undefined;
    const key = { side, localAddress, remoteAddress, snatAddress, dnatAddress, servicePort };
    return { ...key, processName, cgroup, values };
  }

  #written(): Float64Array {
    this.#values ??= newValues();
    return this.#values;
  }
}

/** Adds to a value; an unknown one (NaN) becomes known. */
export function addTo(values: Float64Array, index: number, delta: number): void {
  values[index] = (values[index] || 0) + delta;
}

/** Adds one sample. */
export function addSampleTo(values: Float64Array, first: number, value: number): void {
  addSamples(values, first, { count: 1, min: value, max: value, sum: value });
}

/** Initial values. Metrics that the collector counts event by event begin at 0, not at NaN. */
function newValues(): Float64Array {
  const values = emptyValues();
  for (const index of COUNTED_OPTIONAL) values[index] = 0;
  return values;
}

const COUNTED_OPTIONAL = COUNTED_OPTIONAL_METRICS.map(plainIndex);
const SEVERAL_NAMES = '';
const SEVERAL_CGROUPS = 0;

/** The value that all connections share, or `several`. */
function agreed<T>(before: T | undefined, given: T, several: T): T {
  return before === undefined || before === given ? given : several;
}

/**
 * Indexes of the metrics that the collector computes, looked up once. For `retrans` and `rtos` the
 * caller adds the index of the phase. The metrics that the kernel keeps for each socket have their
 * indexes in `COUNTER_DETAILS` and `SAMPLE_DETAILS`.
 */
export const VALUE_INDEX = {
  connecting: plainIndex('sockets_connecting'),
  established: plainIndex('sockets_established'),
  closing: plainIndex('sockets_closing'),
  closed: plainIndex('sockets_closed'),
  completed: plainIndex('sockets_completed'),
  severedConnect: plainIndex('severed_connect'),
  severedEstablish: plainIndex('severed_establish'),
  connectAttempts: plainIndex('connect_attempts'),
  bytesReceived: plainIndex('bytes_received'),
  bytesDelivered: plainIndex('bytes_delivered'),
  segmentsReceived: plainIndex('segments_received'),
  segmentsDelivered: plainIndex('segments_delivered'),
  retrans: plainIndex('retrans_syn'),
  rtos: plainIndex('rtos_syn'),
  connectTimes: timingIndex('connect_us'),
  rttTimes: timingIndex('rtt_us'),
  smoothedTimes: timingIndex('rtt_smoothed_us'),
} as const;

/** The key of a flow: connections with equal members belong to the same flow. */
export type FlowKey = Pick<
  ReportedFlow,
  'side' | 'localAddress' | 'remoteAddress' | 'snatAddress' | 'dnatAddress' | 'servicePort'
>;

/**
 * The key of a connection's flow. It leaves out the client's port, so that a client's connections
 * share a flow.
 *
 * @param mapping undefined: this host does not translate the connection
 */
export function flowOf(record: SocketRecord, mapping: NatMapping | undefined): FlowKey {
  const isServer = record.isServer;
  const localAddress = shortText(record.localAddress);
  const remoteAddress = shortText(record.remoteAddress);
  const servicePort = isServer ? record.localPort : record.remotePort;
  const side = isServer ? 'server' : 'client';
  if (mapping === undefined) return { side, localAddress, remoteAddress, servicePort };
  return {
    side,
    localAddress,
    remoteAddress,
    snatAddress: unless(localAddress, shortText(mapping.localAddress)),
    dnatAddress: unless(remoteAddress, shortText(mapping.remoteAddress)),
    servicePort: mapping.servicePort,
  };
}

function unless(same: string, text: string): string | undefined {
  return text === same ? undefined : text;
}

/** Canonical text. Formats v4-mapped addresses itself, ten times faster than `addressText`. */
function shortText(bytes: Uint8Array): string {
  for (let i = 0; i < 10; i += 1) if (bytes[i] !== 0) return addressText(bytes);
  if (bytes[10] !== 0xff || bytes[11] !== 0xff) return addressText(bytes);
  return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
}
