import { addressBytes } from '../../model/address.ts';
import type { PlainMetric, Samples } from '../../model/flow-metrics.ts';
import type { ClosedReading } from '../kernel/closed-ring.ts';
import { RECORD_BYTES } from '../kernel/record-layout.ts';
import {
  DETAILS_LENGTH,
  type DetailMetric,
  detailIndex,
  type SocketDetails,
} from '../kernel/socket-details.ts';
import type { SocketProgress } from '../kernel/socket-progress.ts';
import { SocketRecord } from '../kernel/socket-record.ts';
import { type SocketRecordFields, writeRecord } from '../kernel/write-record.ts';
import type { SocketSource } from './socket-collector.ts';

export const JIFFY_MICROS = 4_000;

type GivenFields = Omit<
  SocketRecordFields,
  | 'startedNanos'
  | 'localAddress'
  | 'remoteAddress'
  | 'localPort'
  | 'remotePort'
  | 'details'
  | 'roundTrips'
>;

/** A connection of a test; absent members have the values of `DEFAULTS`. */
export interface FakeSocket extends Partial<GivenFields> {
  readonly cookie: number;
  readonly started?: number;
  readonly remote?: string;
  readonly details?: NamedDetails;
  /** Both round-trip times have these samples. */
  readonly roundTrips?: readonly (Samples & { readonly epoch: number })[];
}

/** A socket's details by their metrics; absent ones are 0. */
export type NamedDetails = { readonly [metric in DetailMetric]?: number };

export function socketDetails(named: NamedDetails = {}): SocketDetails {
  const details = new Float64Array(DETAILS_LENGTH);
  const metrics = Object.keys(named) as DetailMetric[];
  for (const metric of metrics) details[detailIndex(metric)] = named[metric] ?? 0;
  return details;
}

/** A source whose table and ring a test fills by hand, in the kernel's layout. */
export class FakeSource implements SocketSource {
  readonly maxSockets = 8;
  table: readonly FakeSocket[] = [];
  closed: readonly FakeSocket[] = [];
  ringFill = 0;
  progress: readonly SocketProgress[] = [];
  readonly removed: number[] = [];
  /** Cookies that cannot be removed. */
  readonly kept = new Set<number>();
  #epoch = 0;

  unknown: readonly PlainMetric[] = [];
  start(): void {}
  stop(): void {}
  readAhead(): void {}

  /** Visits the table. */
  adopt(visit: (record: SocketRecord) => void): void {
    for (const socket of this.table) visit(recordOf(socket));
  }

  beginEpoch(): number {
    this.#epoch += 1;
    return this.#epoch - 1;
  }

  readSockets(visit: (record: SocketRecord) => void): void {
    for (const socket of this.table) visit(recordOf(socket));
  }

  takeClosed(visit: (record: SocketRecord) => void): ClosedReading {
    const closed = this.closed;
    this.closed = [];
    for (const socket of closed) visit(recordOf({ state: 7, ...socket }));
    return { fill: this.ringFill, overflowed: this.ringFill === 1 };
  }

  async readProgress(visit: (progress: SocketProgress) => void): Promise<void> {
    for (const progress of this.progress) visit(progress);
  }

  remove(cookie: number): boolean {
    if (this.kept.has(cookie)) return false;
    this.removed.push(cookie);
    this.table = this.table.filter((socket) => socket.cookie !== cookie);
    return true;
  }
}

const DEFAULTS: Required<FakeSocket> = {
  cookie: 0,
  started: 1,
  bytesReceived: 0,
  bytesAcked: 0,
  remote: '10.0.0.2',
  segmentsIn: 0,
  segmentsOut: 0,
  retrans: [0, 0, 0],
  rtos: [0, 0, 0],
  connectMicros: 0,
  isServer: false,
  state: 1,
  ending: 0,
  changes: 1,
  roundTrips: [],
  isAdopted: false,
  details: {},
  cgroupId: 0,
  processName: '',
};

/** A record in the layout of bpf/socket-record.h. */
function recordOf(given: FakeSocket): SocketRecord {
  const socket = { ...DEFAULTS, ...given };
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  const fields: SocketRecordFields = {
    ...socket,
    startedNanos: socket.started,
    localAddress: addressBytes('10.0.0.1'),
    remoteAddress: addressBytes(socket.remote),
    localPort: socket.isServer ? 443 : 50_000,
    remotePort: socket.isServer ? 50_000 : 443,
    details: socketDetails(socket.details),
    roundTrips: socket.roundTrips.map(({ epoch, ...times }) => {
      return { epoch, rtt: times, smoothed: times };
    }),
  };
  writeRecord(view, fields, JIFFY_MICROS);
  const record = new SocketRecord(JIFFY_MICROS);
  record.view = view;
  return record;
}
