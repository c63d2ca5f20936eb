import type { Samples } from '../../model/flow-metrics.ts';
import { ProcessNames } from './process-names.ts';
import {
  ADOPTED,
  LEFT_IN_TABLE,
  type Phase,
  RECORD_BYTES,
  RECORD_OFFSET,
  TRIPS,
} from './record-layout.ts';
import { DetailsReader, type SocketDetails } from './socket-details.ts';
import { uint64 } from './uint64.ts';

/** Words that identify a flow: two addresses, the service port and the side. */
export const FLOW_KEY_WORDS = 9;

/** Samples in microseconds. */
export interface RoundTrips {
  readonly rtt: Samples;
  readonly smoothed: Samples;
}

type Writable<T> = { -readonly [name in keyof T]: T[name] };

/**
 * Reads one record of a connection in place, field by field: an object for each of 65,536 sockets
 * at every reading would cost more than all the rest. Set `view` and `at` before use; the caller
 * owns the bytes.
 *
 * The offsets before `details` are those of `RECORD_OFFSET`, written as literals: V8 compiles them
 * in, and looking them up costs 15% of a connection's end. socket-record.test.ts compares the two.
 */
export class SocketRecord {
  view: DataView = new DataView(new ArrayBuffer(RECORD_BYTES));
  at = 0;
  readonly #details: DetailsReader;
  readonly #trips = { rtt: emptySamples(), smoothed: emptySamples() };
  readonly #names = new ProcessNames();

  /** @param jiffyMicros the kernel's tick, the unit of some details */
  constructor(jiffyMicros: number) {
    this.#details = new DetailsReader(jiffyMicros);
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
    return this.#addressAt(32);
  }
  get remoteAddress(): Uint8Array {
    return this.#addressAt(48);
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
  /** From SYN to established; 0 until then, and on the server side. */
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
  /** One of `TCP_STATE`, or another of linux/tcp_states.h. */
  get state(): number {
    return this.view.getUint8(this.at + 117);
  }
  /** Bits: `SEVERED_CONNECT`, `SEVERED_ESTABLISHED`, `LEFT_IN_TABLE`. */
  get ending(): number {
    return this.view.getUint8(this.at + 118);
  }
  /** The connection has closed, and only the table has its last record. */
  get isLeftInTable(): boolean {
    return (this.ending & LEFT_IN_TABLE) !== 0;
  }
  /** The connection is older than the agent: its counters did not begin at 0. */
  get isAdopted(): boolean {
    return (this.#marks & ADOPTED) !== 0;
  }
  /** The socket's numbers at the connection's end or adoption; valid until the next call. */
  get details(): SocketDetails {
    return this.#details.read(this.view, this.at + RECORD_OFFSET.details);
  }
  /** The inode of the cgroup's folder; 0 when not known. */
  get cgroupId(): number {
    return uint64(this.view, this.at + 120);
  }
  /** The process that opened the connection; "" when it was accepted. */
  get processName(): string {
    return this.#names.read(this.view, this.at + RECORD_OFFSET.command);
  }
  get #marks(): number {
    return this.view.getUint8(this.at + 119);
  }

  /**
   * Writes `FLOW_KEY_WORDS` words that are the same for all connections of a flow.
   *
   * @returns a hash of the words; its high bits are the well-mixed ones
   */
  readFlowKey(into: Uint32Array): number {
    const { view, at } = this;
    let hash = 0;
    // The remote address follows the local one.
    for (let i = 0; i < 8; i += 1) {
      const word = view.getUint32(at + 32 + i * 4, true);
      into[i] = word;
      hash = Math.imul(hash ^ word, 0x9e37_79b1);
    }
    const side = view.getUint8(at + 116);
    const word = (side << 16) | view.getUint16(at + (side === 1 ? 112 : 114), true);
    into[8] = word;
    return Math.imul(hash ^ word, 0x9e37_79b1);
  }

  retrans(phase: Phase): number {
    return this.view.getUint32(this.at + 84 + phase * 4, true);
  }

  rtos(phase: Phase): number {
    return this.view.getUint32(this.at + 96 + phase * 4, true);
  }

  /**
   * The round trips of an epoch; undefined when it had none, or a later epoch overwrote them. Valid
   * until the next call.
   */
  roundTrips(epoch: number): RoundTrips | undefined {
    const { view } = this;
    if ((this.#marks & (TRIPS << (epoch & 1))) === 0) return undefined;
    const at = this.at + 128 + (epoch & 1) * 64;
    if (view.getUint32(at, true) !== epoch >>> 0) return undefined;
    const trips = this.#trips;
    const count = view.getUint32(at + 4, true);
    trips.rtt.count = count;
    trips.smoothed.count = count;
    readTimes(view, at + 8, trips.rtt);
    readTimes(view, at + 24, trips.smoothed);
    return trips;
  }

  #addressAt(offset: number): Uint8Array {
    const { view, at } = this;
    return new Uint8Array(view.buffer, view.byteOffset + at + offset, 16).slice();
  }
}

function emptySamples(): Writable<Samples> {
  return { count: 0, min: 0, max: 0, sum: 0 };
}

function readTimes(view: DataView, at: number, into: Writable<Samples>): void {
  into.min = view.getUint32(at, true);
  into.max = view.getUint32(at + 4, true);
  into.sum = uint64(view, at + 8);
}
