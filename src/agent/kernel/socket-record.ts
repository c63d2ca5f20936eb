/**
 * The layout of what bpf/nfm.bpf.c writes, in host order (all machines we run on are
 * little-endian). Records are read in place, field by field: at 65,536 sockets twice a second
 * an object for each record would cost more than all the rest.
 */
export const RECORD_BYTES = 200;
export const PROGRESS_BYTES = 40;

/** `state` of a record: linux/tcp_states.h. */
export const TCP_STATE = { established: 1, synSent: 2, synReceived: 3, close: 7 } as const;

/** Bits of `ending`. */
export const SEVERED_CONNECT = 1;
export const SEVERED_ESTABLISHED = 2;

const RETRANS_OFFSET = 80;
const RTOS_OFFSET = 92;
const ROUND_TRIPS_OFFSET = 120;
const ROUND_TRIPS_BYTES = 40;

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

/** How far a live connection has come, beyond what its record says. */
export interface SocketProgress {
  readonly cookie: number;
  readonly startedNanos: number;
  readonly bytesReceived: number;
  readonly bytesAcked: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
}

/** Reads one `struct progress`. */
export function readProgress(view: DataView, at: number): SocketProgress {
  return {
    cookie: uint64(view, at),
    startedNanos: uint64(view, at + 8),
    bytesReceived: uint64(view, at + 16),
    bytesAcked: uint64(view, at + 24),
    segmentsIn: view.getUint32(at + 32, true),
    segmentsOut: view.getUint32(at + 36, true),
  };
}
