/**
 * The layout of what bpf/nfm.bpf.c writes, in host order (all machines we run on are
 * little-endian). Records are read in place, field by field: at 65,536 sockets twice a second
 * an object for each record would cost more than all the rest.
 */
export const RECORD_BYTES = 272;
export const PROGRESS_BYTES = 104;

/** `state` of a record: linux/tcp_states.h. */
export const TCP_STATE = { established: 1, synSent: 2, synReceived: 3, close: 7 } as const;

/** Bits of `ending`. */
export const SEVERED_CONNECT = 1;
export const SEVERED_ESTABLISHED = 2;

const RETRANS_OFFSET = 80;
const RTOS_OFFSET = 92;
const ROUND_TRIPS_OFFSET = 120;
const ROUND_TRIPS_BYTES = 40;
const DETAILS_OFFSET = 200;
const OWNER_OFFSET = 248;
const COMMAND_BYTES = 16;

/** Bits of `origin`. */
const ADOPTED = 1;

/** A connection's phase, as an index. */
export type Phase = 0 | 1 | 2;

/**
 * 64-bit values as doubles: exact up to 2^53, which is 9 petabytes for a byte counter, 104 days
 * since boot in nanoseconds (after that two connections of one socket would have to begin within
 * 2 ns to be mistaken for each other), and more sockets than a machine ever opens.
 */
function uint64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

/** Reads the record that starts at `at`. Set `view` and `at` before use; the caller owns the bytes. */
export class SocketRecord {
  view: DataView = new DataView(new ArrayBuffer(RECORD_BYTES));
  at = 0;
  readonly #jiffyMicros: number;

  /** @param jiffyMicros the kernel's tick, in which it counts what held a sender up */
  constructor(jiffyMicros: number) {
    this.#jiffyMicros = jiffyMicros;
  }

  get cookie(): number {
    return uint64(this.view, this.at);
  }
  get startedNanos(): number {
    return uint64(this.view, this.at + 8);
  }
  get bytesReceived(): number {
    return uint64(this.view, this.at + 16);
  }
  get bytesAcked(): number {
    return uint64(this.view, this.at + 24);
  }
  /** A copy of the 16 bytes, v4 as v4-mapped. */
  get localAddress(): Uint8Array {
    return this.#bytes(32);
  }
  get remoteAddress(): Uint8Array {
    return this.#bytes(48);
  }
  /** Grows with every callback: equal means nothing happened. */
  get changes(): number {
    return this.view.getUint32(this.at + 64, true);
  }
  get segmentsIn(): number {
    return this.view.getUint32(this.at + 68, true);
  }
  get segmentsOut(): number {
    return this.view.getUint32(this.at + 72, true);
  }
  get connectMicros(): number {
    return this.view.getUint32(this.at + 104, true);
  }
  get localPort(): number {
    return this.view.getUint16(this.at + 108, true);
  }
  get remotePort(): number {
    return this.view.getUint16(this.at + 110, true);
  }
  get isServer(): boolean {
    return this.view.getUint8(this.at + 112) === 1;
  }
  get state(): number {
    return this.view.getUint8(this.at + 113);
  }
  get ending(): number {
    return this.view.getUint8(this.at + 114);
  }
  /** Older than the agent: its counters did not begin at 0. */
  get isAdopted(): boolean {
    return (this.view.getUint8(this.at + 115) & ADOPTED) !== 0;
  }
  /** What the connection's end, or its adoption, found in the socket. */
  get details(): SocketDetails {
    return readDetails(this.view, this.at + DETAILS_OFFSET, this.#jiffyMicros);
  }
  /** The inode of the cgroup's folder; 0 when not known. */
  get cgroupId(): number {
    return uint64(this.view, this.at + 240);
  }
  /** The name of the process that opened it, "" when it was accepted. */
  get processName(): string {
    return readText(this.view, this.at + OWNER_OFFSET + 4);
  }

  retrans(phase: Phase): number {
    return this.view.getUint32(this.at + RETRANS_OFFSET + phase * 4, true);
  }

  rtos(phase: Phase): number {
    return this.view.getUint32(this.at + RTOS_OFFSET + phase * 4, true);
  }

  /** The round trips of an epoch, or undefined when there were none or a later one took its place. */
  roundTrips(epoch: number): RoundTrips | undefined {
    const { view } = this;
    const at = this.at + ROUND_TRIPS_OFFSET + (epoch & 1) * ROUND_TRIPS_BYTES;
    const count = view.getUint32(at + 4, true);
    if (count === 0 || view.getUint32(at, true) !== epoch >>> 0) return undefined;
    return {
      count,
      rtt: {
        min: view.getUint32(at + 8, true),
        max: view.getUint32(at + 12, true),
        sum: uint64(view, at + 16),
      },
      smoothed: {
        min: view.getUint32(at + 24, true),
        max: view.getUint32(at + 28, true),
        sum: uint64(view, at + 32),
      },
    };
  }

  #bytes(offset: number): Uint8Array {
    const { view, at } = this;
    return new Uint8Array(view.buffer, view.byteOffset + at + offset, 16).slice();
  }
}

/** What a record says; what is not given is 0. Addresses are of 16 bytes, v4 as v4-mapped. */
export interface SocketRecordFields {
  readonly cookie: number;
  readonly startedNanos: number;
  readonly bytesReceived?: number;
  readonly bytesAcked?: number;
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly changes?: number;
  readonly segmentsIn?: number;
  readonly segmentsOut?: number;
  readonly retrans?: readonly [number, number, number];
  readonly rtos?: readonly [number, number, number];
  readonly connectMicros?: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly isServer: boolean;
  readonly state: number;
  readonly ending?: number;
  readonly isAdopted?: boolean;
  readonly details?: SocketDetails;
  readonly cgroupId?: number;
  readonly processName?: string;
  readonly roundTrips?: readonly (RoundTrips & { readonly epoch: number })[];
}

/** Writes a record as the program in the kernel does, in all its `RECORD_BYTES`. */
export function writeRecord(view: DataView, fields: SocketRecordFields, jiffyMicros: number): void {
  const bytes = Buffer.from(view.buffer, view.byteOffset, RECORD_BYTES).fill(0);
  const uint32 = (offset: number, value = 0): void => view.setUint32(offset, value, true);
  const wide = (offset: number, value = 0): void => view.setBigUint64(offset, BigInt(value), true);
  wide(0, fields.cookie);
  wide(8, fields.startedNanos);
  wide(16, fields.bytesReceived);
  wide(24, fields.bytesAcked);
  bytes.set(fields.localAddress, 32);
  bytes.set(fields.remoteAddress, 48);
  uint32(64, fields.changes);
  uint32(68, fields.segmentsIn);
  uint32(72, fields.segmentsOut);
  for (const phase of [0, 1, 2] as const) {
    uint32(RETRANS_OFFSET + phase * 4, fields.retrans?.[phase]);
    uint32(RTOS_OFFSET + phase * 4, fields.rtos?.[phase]);
  }
  uint32(104, fields.connectMicros);
  view.setUint16(108, fields.localPort, true);
  view.setUint16(110, fields.remotePort, true);
  bytes.set([fields.isServer ? 1 : 0, fields.state, fields.ending ?? 0], 112);
  view.setUint8(115, fields.isAdopted ? ADOPTED : 0);
  for (const trips of fields.roundTrips ?? []) {
    writeRoundTrips(view, trips);
  }
  if (fields.details !== undefined) writeDetails(view, fields.details, jiffyMicros);
  wide(240, fields.cgroupId);
  bytes.write(fields.processName ?? '', OWNER_OFFSET + 4);
}

function writeRoundTrips(view: DataView, trips: RoundTrips & { readonly epoch: number }): void {
  const at = ROUND_TRIPS_OFFSET + (trips.epoch & 1) * ROUND_TRIPS_BYTES;
  view.setUint32(at, trips.epoch, true);
  view.setUint32(at + 4, trips.count, true);
  for (const [offset, { min, max, sum }] of [
    [8, trips.rtt],
    [24, trips.smoothed],
  ] as const) {
    view.setUint32(at + offset, min, true);
    view.setUint32(at + offset + 4, max, true);
    view.setBigUint64(at + offset + 8, BigInt(sum), true);
  }
}

function writeDetails(view: DataView, details: SocketDetails, jiffyMicros: number): void {
  const { busyMicros, rwndLimitedMicros, sndbufLimitedMicros } = details;
  const unlimited = busyMicros - rwndLimitedMicros - sndbufLimitedMicros;
  const jiffies = [unlimited, rwndLimitedMicros, sndbufLimitedMicros].map((micros) =>
    Math.max(0, Math.round(micros / jiffyMicros)),
  );
  const { segmentsOutOfOrder, reorderings, dsacks, segmentsCe, minRttMicros } = details;
  const counts = [...jiffies, segmentsOutOfOrder, reorderings, dsacks, segmentsCe, minRttMicros];
  view.setBigUint64(DETAILS_OFFSET, BigInt(details.deliveryRate), true);
  for (const [i, count] of counts.entries()) {
    view.setUint32(DETAILS_OFFSET + 8 + i * 4, count, true);
  }
}

/** Microseconds. */
export interface RoundTripTimes {
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

export interface RoundTrips {
  readonly count: number;
  readonly rtt: RoundTripTimes;
  readonly smoothed: RoundTripTimes;
}

/** What a socket knows of its path and of what held it up; counters since it was opened. */
export interface SocketDetails {
  /** With data to send, all in all; of that, held up by the receiver's window or the own buffer. */
  readonly busyMicros: number;
  readonly rwndLimitedMicros: number;
  readonly sndbufLimitedMicros: number;
  readonly segmentsOutOfOrder: number;
  readonly reorderings: number;
  readonly dsacks: number;
  readonly segmentsCe: number;
  /** 0 when none was measured. */
  readonly minRttMicros: number;
  /** Bytes a second, by the last sample; 0 when there was none. */
  readonly deliveryRate: number;
}

function readDetails(view: DataView, at: number, jiffyMicros: number): SocketDetails {
  const count = (offset: number): number => view.getUint32(at + offset, true);
  const rwndLimited = count(12);
  const sndbufLimited = count(16);
  return {
    deliveryRate: uint64(view, at),
    busyMicros: (count(8) + rwndLimited + sndbufLimited) * jiffyMicros,
    rwndLimitedMicros: rwndLimited * jiffyMicros,
    sndbufLimitedMicros: sndbufLimited * jiffyMicros,
    segmentsOutOfOrder: count(20),
    reorderings: count(24),
    dsacks: count(28),
    segmentsCe: count(32),
    minRttMicros: count(36),
  };
}

/** A process's name, as the kernel cuts it: at most 15 bytes before the first NUL. */
function readText(view: DataView, at: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, COMMAND_BYTES);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? COMMAND_BYTES : end);
}

/** How far a live connection has come, beyond what its record says. */
export interface SocketProgress {
  readonly cookie: number;
  readonly startedNanos: number;
  readonly bytesReceived: number;
  readonly bytesAcked: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly details: SocketDetails;
  /** Of a process that has the socket open now. */
  readonly processName: string;
}

/** Reads one `struct progress`. */
export function readProgress(view: DataView, at: number, jiffyMicros: number): SocketProgress {
  return {
    cookie: uint64(view, at),
    startedNanos: uint64(view, at + 8),
    bytesReceived: uint64(view, at + 16),
    bytesAcked: uint64(view, at + 24),
    segmentsIn: view.getUint32(at + 32, true),
    segmentsOut: view.getUint32(at + 36, true),
    details: readDetails(view, at + 40, jiffyMicros),
    processName: readText(view, at + 84),
  };
}
