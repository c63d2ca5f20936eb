/**
 * The layout of what the kernel's program writes (bpf/socket-record.h), in host order (all
 * machines we run on are little-endian). Records are read in place, field by field: an object for
 * each of 65,536 sockets at every reading would cost more than all the rest.
 */
export const RECORD_BYTES = 320;
export const PROGRESS_BYTES = 96;

/** `state` of a record: linux/tcp_states.h. */
export const TCP_STATE = { established: 1, synSent: 2, synReceived: 3, close: 7 } as const;

/** Bits of `ending`. */
export const SEVERED_CONNECT = 1;
export const SEVERED_ESTABLISHED = 2;
export const UNTOLD = 4;

const MARKS_OFFSET = 119;
const RETRANS_OFFSET = 84;
const RTOS_OFFSET = 96;
const ROUND_TRIPS_OFFSET = 128;
const ROUND_TRIPS_BYTES = 64;
const DETAILS_OFFSET = 256;
const COMMAND_OFFSET = 296;
const COMMAND_BYTES = 16;
const PROGRESS_COMMAND_OFFSET = 80;

/** What makes connections one flow: two addresses, the service port and the side. */
export const FLOW_KEY_WORDS = 9;

/** Bits of `marks`; `TRIPS << n` is set when there is something in round trips n. */
const ADOPTED = 1;
const TRIPS = 4;

/** A connection's phase, as an index. */
export type Phase = 0 | 1 | 2;
export const PHASES: readonly Phase[] = [0, 1, 2];

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
  readonly #details = emptyDetails();
  readonly #trips = { rtt: emptyTimes(), smoothed: emptyTimes() };
  readonly #names = new ShortTexts();

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
    return this.view.getUint32(this.at + 68, true);
  }
  get segmentsIn(): number {
    return this.view.getUint32(this.at + 72, true);
  }
  get segmentsOut(): number {
    return this.view.getUint32(this.at + 76, true);
  }
  get connectMicros(): number {
    return this.view.getUint32(this.at + 108, true);
  }
  get localPort(): number {
    return this.view.getUint16(this.at + 112, true);
  }
  get remotePort(): number {
    return this.view.getUint16(this.at + 114, true);
  }
  get isServer(): boolean {
    return this.view.getUint8(this.at + 116) === 1;
  }
  get state(): number {
    return this.view.getUint8(this.at + 117);
  }
  get ending(): number {
    return this.view.getUint8(this.at + 118);
  }
  /** It has closed, and nothing but the table says so. */
  get isUntold(): boolean {
    return (this.ending & UNTOLD) !== 0;
  }
  /** Older than the agent: its counters did not begin at 0. */
  get isAdopted(): boolean {
    return (this.view.getUint8(this.at + MARKS_OFFSET) & ADOPTED) !== 0;
  }
  /** What the connection's end, or its adoption, found in the socket; valid until asked again. */
  get details(): SocketDetails {
    const from = { view: this.view, at: this.at + DETAILS_OFFSET };
    return readDetails(from, this.#jiffyMicros, this.#details);
  }
  /** The inode of the cgroup's folder; 0 when not known. */
  get cgroupId(): number {
    return uint64(this.view, this.at + 120);
  }
  /** The name of the process that opened it, "" when it was accepted. */
  get processName(): string {
    return this.#names.read(this.view, this.at + COMMAND_OFFSET);
  }

  /** Writes `FLOW_KEY_WORDS` words that are the same for all connections of a flow. */
  readFlowKey(into: Uint32Array): void {
    const { view, at } = this;
    for (let i = 0; i < 8; i += 1) into[i] = view.getUint32(at + 32 + i * 4, true);
    const side = view.getUint8(at + 116);
    into[8] = (side << 16) | view.getUint16(at + (side === 1 ? 112 : 114), true);
  }

  retrans(phase: Phase): number {
    return this.view.getUint32(this.at + RETRANS_OFFSET + phase * 4, true);
  }

  rtos(phase: Phase): number {
    return this.view.getUint32(this.at + RTOS_OFFSET + phase * 4, true);
  }

  /**
   * The round trips of an epoch, or undefined when there were none or a later one took its place;
   * valid until asked again.
   */
  roundTrips(epoch: number): RoundTrips | undefined {
    const { view } = this;
    const marks = view.getUint8(this.at + MARKS_OFFSET);
    if ((marks & (TRIPS << (epoch & 1))) === 0) return undefined;
    const at = this.at + ROUND_TRIPS_OFFSET + (epoch & 1) * ROUND_TRIPS_BYTES;
    if (view.getUint32(at, true) !== epoch >>> 0) return undefined;
    const trips = this.#trips;
    const count = view.getUint32(at + 4, true);
    trips.rtt.count = count;
    trips.smoothed.count = count;
    readTimes(view, at + 8, trips.rtt);
    readTimes(view, at + 24, trips.smoothed);
    return trips;
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
  uint32(68, fields.changes);
  uint32(72, fields.segmentsIn);
  uint32(76, fields.segmentsOut);
  for (const phase of PHASES) {
    uint32(RETRANS_OFFSET + phase * 4, fields.retrans?.[phase]);
    uint32(RTOS_OFFSET + phase * 4, fields.rtos?.[phase]);
  }
  uint32(108, fields.connectMicros);
  view.setUint16(112, fields.localPort, true);
  view.setUint16(114, fields.remotePort, true);
  bytes.set([fields.isServer ? 1 : 0, fields.state, fields.ending ?? 0], 116);
  view.setUint8(MARKS_OFFSET, fields.isAdopted ? ADOPTED : 0);
  for (const trips of fields.roundTrips ?? []) {
    writeRoundTrips(view, trips);
  }
  if (fields.details !== undefined) writeDetails(view, fields.details, jiffyMicros);
  wide(120, fields.cgroupId);
  bytes.write(fields.processName ?? '', COMMAND_OFFSET);
}

function writeRoundTrips(view: DataView, trips: RoundTrips & { readonly epoch: number }): void {
  const at = ROUND_TRIPS_OFFSET + (trips.epoch & 1) * ROUND_TRIPS_BYTES;
  view.setUint8(MARKS_OFFSET, view.getUint8(MARKS_OFFSET) | (TRIPS << (trips.epoch & 1)));
  view.setUint32(at, trips.epoch, true);
  view.setUint32(at + 4, trips.rtt.count, true);
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
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

export interface RoundTrips {
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

type Writable<T> = { -readonly [name in keyof T]: T[name] };

function emptyTimes(): Writable<RoundTripTimes> {
  return { count: 0, min: 0, max: 0, sum: 0 };
}

function readTimes(view: DataView, at: number, into: Writable<RoundTripTimes>): void {
  into.min = view.getUint32(at, true);
  into.max = view.getUint32(at + 4, true);
  into.sum = uint64(view, at + 8);
}

function emptyDetails(): Writable<SocketDetails> {
  return {
    deliveryRate: 0,
    busyMicros: 0,
    rwndLimitedMicros: 0,
    sndbufLimitedMicros: 0,
    segmentsOutOfOrder: 0,
    reorderings: 0,
    dsacks: 0,
    segmentsCe: 0,
    minRttMicros: 0,
  };
}

interface Place {
  readonly view: DataView;
  readonly at: number;
}

function readDetails(
  { view, at }: Place,
  jiffyMicros: number,
  into: Writable<SocketDetails>,
): SocketDetails {
  const rwndLimited = view.getUint32(at + 12, true);
  const sndbufLimited = view.getUint32(at + 16, true);
  into.deliveryRate = uint64(view, at);
  into.busyMicros = (view.getUint32(at + 8, true) + rwndLimited + sndbufLimited) * jiffyMicros;
  into.rwndLimitedMicros = rwndLimited * jiffyMicros;
  into.sndbufLimitedMicros = sndbufLimited * jiffyMicros;
  into.segmentsOutOfOrder = view.getUint32(at + 20, true);
  into.reorderings = view.getUint32(at + 24, true);
  into.dsacks = view.getUint32(at + 28, true);
  into.segmentsCe = view.getUint32(at + 32, true);
  into.minRttMicros = view.getUint32(at + 36, true);
  return into;
}

/** A power of 2. */
const TEXT_PLACES = 256;
const TEXT_WORDS = COMMAND_BYTES / 4;

/** Processes' names, each made a string once, not once a connection. */
class ShortTexts {
  readonly #words = new Uint32Array(TEXT_PLACES * TEXT_WORDS);
  /** Words of zeros are the empty text. */
  readonly #texts = new Array<string>(TEXT_PLACES).fill('');

  /** As the kernel cuts it: at most 15 bytes before the first NUL. */
  read(view: DataView, at: number): string {
    let hash = 0;
    for (let i = 0; i < TEXT_WORDS; i += 1) {
      hash = Math.imul(hash ^ view.getUint32(at + i * 4, true), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    const place = hash & (TEXT_PLACES - 1);
    const first = place * TEXT_WORDS;
    for (let i = 0; i < TEXT_WORDS; i += 1) {
      if (this.#words[first + i] === view.getUint32(at + i * 4, true)) continue;
      for (let j = 0; j < TEXT_WORDS; j += 1) {
        this.#words[first + j] = view.getUint32(at + j * 4, true);
      }
      this.#texts[place] = readText(view, at);
      break;
    }
    return this.#texts[place] ?? '';
  }
}

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

/** Reads `struct progress`, one after another, into one object: valid until the next is read. */
export class ProgressReader {
  readonly #jiffyMicros: number;
  readonly #names = new ShortTexts();
  readonly #details = emptyDetails();
  readonly #progress: Writable<SocketProgress> = {
    cookie: 0,
    startedNanos: 0,
    bytesReceived: 0,
    bytesAcked: 0,
    segmentsIn: 0,
    segmentsOut: 0,
    details: this.#details,
    processName: '',
  };

  /** @param jiffyMicros the kernel's tick */
  constructor(jiffyMicros: number) {
    this.#jiffyMicros = jiffyMicros;
  }

  read(view: DataView, at: number): SocketProgress {
    const progress = this.#progress;
    progress.cookie = uint64(view, at);
    progress.startedNanos = uint64(view, at + 8);
    progress.bytesReceived = uint64(view, at + 16);
    progress.bytesAcked = uint64(view, at + 24);
    progress.segmentsIn = view.getUint32(at + 32, true);
    progress.segmentsOut = view.getUint32(at + 36, true);
    readDetails({ view, at: at + 40 }, this.#jiffyMicros, this.#details);
    progress.processName = this.#names.read(view, at + PROGRESS_COMMAND_OFFSET);
    return progress;
  }
}
