import type { Libbpf } from './libbpf.ts';

/** linux/bpf.h: bits of a record's length word; the record follows its 8-byte header. */
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const HEADER_BYTES = 8;

/** Records are smaller. */
const MAX_RECORD_BYTES = 512;

/**
 * The consumer's end of a BPF ring buffer, read straight from its shared memory (0.1 µs a record;
 * through libbpf's callback it takes 1.5). There may be only one consumer. The memory stays mapped
 * for the life of the process: a view of unmapped memory would be a crash waiting.
 */
export class ClosedRing {
  readonly #consumer: BigUint64Array;
  readonly #producer: BigUint64Array;
  readonly #data: DataView;
  readonly #mask: number;
  /** Where the record that runs over the end is put together. */
  readonly #whole = new DataView(new ArrayBuffer(MAX_RECORD_BYTES));

  constructor(
    libbpf: Pick<Libbpf, 'mapMemory' | 'pageBytes' | 'errno'>,
    mapFd: number,
    bytes: number,
  ) {
    const page = libbpf.pageBytes();
    const consumer = libbpf.mapMemory(mapFd, { offset: 0, length: page, writable: true });
    // The producer's page, then the data. The kernel would map the data a second time behind itself,
    // so that no record is ever cut in two, but counts it twice as this process's memory (8 MB).
    const rest = libbpf.mapMemory(mapFd, {
      offset: page,
      length: page + bytes,
      writable: false,
    });
    if (consumer === undefined || rest === undefined) {
      throw new Error(`cannot map the ring buffer: errno ${libbpf.errno()}`);
    }
    this.#consumer = new BigUint64Array(consumer, 0, 1);
    this.#producer = new BigUint64Array(rest, 0, 1);
    this.#data = new DataView(rest, page);
    this.#mask = bytes - 1;
  }

  /**
   * Visits every finished record, oldest first. The bytes are the ring's: valid during the visit
   * only.
   *
   * @returns how full it was: 0 to 1, and 1 when there was no room for another record
   */
  take(visit: (view: DataView, at: number) => void): number {
    // Atomics order these reads against those of the records (the kernel publishes with a release).
    let position = Number(Atomics.load(this.#consumer, 0));
    const end = Number(Atomics.load(this.#producer, 0));
    const used = end - position;
    const size = this.#mask + 1;
    while (position < end) {
      const at = position & this.#mask;
      const word = this.#data.getUint32(at, true);
      if ((word & BUSY) !== 0) break;
      const length = word & ~DISCARDED;
      if ((word & DISCARDED) === 0) this.#visit((at + HEADER_BYTES) & this.#mask, length, visit);
      position += (HEADER_BYTES + length + 7) & ~7;
    }
    Atomics.store(this.#consumer, 0, BigInt(position));
    return used > size - HEADER_BYTES - MAX_RECORD_BYTES ? 1 : used / size;
  }

  #visit(at: number, length: number, visit: (view: DataView, at: number) => void): void {
    const { buffer, byteOffset } = this.#data;
    const untilEnd = this.#mask + 1 - at;
    if (length <= untilEnd) {
      visit(this.#data, at);
      return;
    }
    const whole = new Uint8Array(this.#whole.buffer);
    whole.set(new Uint8Array(buffer, byteOffset + at, untilEnd), 0);
    whole.set(new Uint8Array(buffer, byteOffset, length - untilEnd), untilEnd);
    visit(this.#whole, 0);
  }
}
