import {
  RECORD_BYTES,
  type SocketDetails,
  type SocketProgress,
  SocketRecord,
} from '../kernel/socket-record.ts';
import type { SocketSource } from './socket-collector.ts';

const JIFFY_MICROS = 4_000;

export interface FakeRoundTrips {
  readonly epoch: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

export interface FakeSocket {
  readonly cookie: number;
  readonly started?: number;
  readonly bytesReceived?: number;
  readonly bytesAcked?: number;
  readonly remote?: string;
  readonly segmentsIn?: number;
  readonly segmentsOut?: number;
  readonly retrans?: readonly [number, number, number];
  readonly rtos?: readonly [number, number, number];
  readonly connectMicros?: number;
  readonly isServer?: boolean;
  readonly state?: number;
  readonly ending?: number;
  readonly changes?: number;
  readonly roundTrips?: readonly FakeRoundTrips[];
  readonly isAdopted?: boolean;
  readonly dsacks?: number;
  readonly cgroupId?: number;
  readonly processName?: string;
}

/** What a socket says that was held up by nothing and met nothing. */
export const NO_DETAILS: SocketDetails = {
  busyMicros: 0,
  rwndLimitedMicros: 0,
  sndbufLimitedMicros: 0,
  segmentsOutOfOrder: 0,
  reorderings: 0,
  dsacks: 0,
  segmentsCe: 0,
  minRttMicros: 0,
  deliveryRate: 0,
};

/** The kernel's end of a collector: tables and rings filled by hand, in the kernel's layout. */
export class FakeSource implements SocketSource {
  readonly maxSockets = 8;
  table: readonly FakeSocket[] = [];
  closed: readonly FakeSocket[] = [];
  progress: readonly SocketProgress[] = [];
  readonly removed: number[] = [];
  #epoch = 0;

  start(): void {}
  stop(): void {}

  /** What is in the table. */
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

  takeClosed(visit: (record: SocketRecord) => void): void {
    const closed = this.closed;
    this.closed = [];
    for (const socket of closed) visit(recordOf({ state: 7, ...socket }));
  }

  async readProgress(): Promise<readonly SocketProgress[]> {
    return this.progress;
  }

  remove(cookie: number): void {
    this.removed.push(cookie);
    this.table = this.table.filter((socket) => socket.cookie !== cookie);
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
  dsacks: 0,
  cgroupId: 0,
  processName: '',
};

/** Bytes as bpf/nfm.bpf.c lays them out. */
function recordOf(given: FakeSocket): SocketRecord {
  const socket = { ...DEFAULTS, ...given };
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  view.setBigUint64(0, BigInt(socket.cookie), true);
  view.setBigUint64(8, BigInt(socket.started), true);
  view.setBigUint64(16, BigInt(socket.bytesReceived), true);
  view.setBigUint64(24, BigInt(socket.bytesAcked), true);
  writeV4(view, 32, '10.0.0.1');
  writeV4(view, 48, socket.remote);
  view.setUint32(64, socket.changes, true);
  view.setUint32(68, socket.segmentsIn, true);
  view.setUint32(72, socket.segmentsOut, true);
  for (const [phase, count] of socket.retrans.entries())
    view.setUint32(80 + phase * 4, count, true);
  for (const [phase, count] of socket.rtos.entries()) view.setUint32(92 + phase * 4, count, true);
  view.setUint32(104, socket.connectMicros, true);
  view.setUint16(108, socket.isServer ? 443 : 50_000, true);
  view.setUint16(110, socket.isServer ? 50_000 : 443, true);
  view.setUint8(112, socket.isServer ? 1 : 0);
  view.setUint8(113, socket.state);
  view.setUint8(114, socket.ending);
  view.setUint8(115, socket.isAdopted ? 1 : 0);
  view.setUint32(228, socket.dsacks, true);
  view.setBigUint64(240, BigInt(socket.cgroupId), true);
  Buffer.from(view.buffer).write(socket.processName, 252);
  for (const trips of socket.roundTrips) writeRoundTrips(view, trips);
  const record = new SocketRecord(JIFFY_MICROS);
  record.view = view;
  return record;
}

function writeV4(view: DataView, at: number, address: string): void {
  view.setUint16(at + 10, 0xffff, true);
  for (const [i, part] of address.split('.').entries()) view.setUint8(at + 12 + i, Number(part));
}

function writeRoundTrips(view: DataView, trips: FakeRoundTrips): void {
  const at = 120 + (trips.epoch & 1) * 40;
  view.setUint32(at, trips.epoch, true);
  view.setUint32(at + 4, trips.count, true);
  for (const part of [8, 24]) {
    view.setUint32(at + part, trips.min, true);
    view.setUint32(at + part + 4, trips.max, true);
    view.setBigUint64(at + part + 8, BigInt(trips.sum), true);
  }
}
