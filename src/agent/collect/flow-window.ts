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

/** What the connections of one flow did since the last report. */
export class FlowWindow {
  readonly side: Side;
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly servicePort: number;
  readonly snatAddress: string | undefined;
  readonly dnatAddress: string | undefined;
  /** It stands for many flows, added up. */
  readonly isCut: boolean;
  /** Connections that are counted here. */
  connections = 0;
  /** Something happened in this window. */
  touched = false;
  /** Undefined until something is added: most of many flows are over when they are taken. */
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

  /** What it is kept by, so far. */
  rank(): FlowRank {
    return rankOf(this.#written());
  }

  /** Adds what happened to another's; this one is to be forgotten. */
  foldInto(other: FlowWindow): void {
    other.touched ||= this.touched;
    addValues(other.#written(), this.#written());
  }

  /** Says whose a connection is that did something; "" and 0 say nothing. */
  own(processName: string, cgroupId: number): void {
    if (processName !== '')
      this.#processName = agreed(this.#processName, processName, SEVERAL_NAMES);
    if (cgroupId !== 0) this.#cgroupId = agreed(this.#cgroupId, cgroupId, SEVERAL_CGROUPS);
  }

  /** Something happens: `addTo`, `addSamples` and `addSampleTo` these values what does. */
  touch(): Float64Array {
    this.touched = true;
    return this.#written();
  }

  /**
   * The window as it goes into a report; a new one begins.
   *
   * @param unknown places whose values nobody told
   * @param cgroupPath the path of a cgroup by its id
   */
  take(unknown: readonly number[], cgroupPath: (id: number) => string | undefined): ReportedFlow {
    const { side, localAddress, remoteAddress, servicePort } = this;
    const values = this.#written();
    const { snatAddress, dnatAddress } = this;
    const processName = this.#processName || undefined;
    const cgroup = this.#cgroupId === undefined ? undefined : cgroupPath(this.#cgroupId);
    for (const place of unknown) values[place] = Number.NaN;
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

/** What was not known until now (NaN) is from now on. */
export function addTo(values: Float64Array, index: number, delta: number): void {
  values[index] = (values[index] || 0) + delta;
}

/** Adds one sample. */
export function addSampleTo(values: Float64Array, first: number, value: number): void {
  addSamples(values, first, { count: 1, min: value, max: value, sum: value });
}

/** Values before anything happened: the collector counts events itself, so it knows of none. */
function newValues(): Float64Array {
  const values = emptyValues();
  for (const index of COUNTED_OPTIONAL) values[index] = 0;
  return values;
}

const COUNTED_OPTIONAL = COUNTED_OPTIONAL_METRICS.map(plainIndex);
const SEVERAL_NAMES = '';
const SEVERAL_CGROUPS = 0;

/** The one value all gave so far, or `several`. */
function agreed<T>(before: T | undefined, given: T, several: T): T {
  return before === undefined || before === given ? given : several;
}

/**
 * Indexes of the metrics that the collector counts itself, looked up once; a phase's is added to
 * `retrans` and `rtos`. Metrics that are a number of the socket are in `COUNTER_DETAILS` and
 * `SAMPLE_DETAILS`.
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

/** What makes connections one flow. */
export type FlowKey = Pick<
  ReportedFlow,
  'side' | 'localAddress' | 'remoteAddress' | 'snatAddress' | 'dnatAddress' | 'servicePort'
>;

/**
 * The flow of a connection: the client's port is left out, so that its connections share one.
 *
 * @param beyond what the network has instead, when this host translates it
 */
export function flowOf(record: SocketRecord, beyond: NatMapping | undefined): FlowKey {
  const isServer = record.isServer;
  const localAddress = shortText(record.localAddress);
  const remoteAddress = shortText(record.remoteAddress);
  const servicePort = isServer ? record.localPort : record.remotePort;
  const side = isServer ? 'server' : 'client';
  if (beyond === undefined) return { side, localAddress, remoteAddress, servicePort };
  return {
    side,
    localAddress,
    remoteAddress,
    snatAddress: unless(localAddress, shortText(beyond.localAddress)),
    dnatAddress: unless(remoteAddress, shortText(beyond.remoteAddress)),
    servicePort: beyond.servicePort,
  };
}

function unless(same: string, text: string): string | undefined {
  return text === same ? undefined : text;
}

/** Canonical text; v4-mapped is written by hand, ten times faster than through the parser. */
function shortText(bytes: Uint8Array): string {
  for (let i = 0; i < 10; i += 1) if (bytes[i] !== 0) return addressText(bytes);
  if (bytes[10] !== 0xff || bytes[11] !== 0xff) return addressText(bytes);
  return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
}
