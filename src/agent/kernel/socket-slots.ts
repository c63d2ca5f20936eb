import type { Libbpf } from './libbpf.ts';
import { RECORD_BYTES, RECORD_OFFSET } from './record-layout.ts';

/** Same number as in bpf/kept-sockets.h. */
const SLOTS = 8_192;

/** Words of 32 bits; the cookie is the first two of a record. */
const RECORD_WORDS = RECORD_BYTES / 4;
const CLAIMS_WORD = RECORD_OFFSET.claims / 4;

/** With more closed slots, new connections often find theirs taken and use the slower table. */
const MAX_CLOSED = SLOTS / 2;

/**
 * The slots of connections, chosen by the low bits of their cookies. They are read and freed in the
 * memory shared with the kernel. The memory stays mapped for the life of the process, because
 * reading a view of unmapped memory crashes it.
 */
export class SocketSlots {
  readonly #words: Int32Array;
  readonly #view: DataView;
  /** One bit for each slot, set when its connection has closed. */
  readonly #closedBits: Int32Array;
  readonly #closed: number[] = [];
  readonly #copy = new Int32Array(RECORD_WORDS);
  readonly #copyView = new DataView(this.#copy.buffer);

  constructor(
    libbpf: Pick<Libbpf, 'mapMemory' | 'pageBytes' | 'errno'>,
    mapFds: { readonly slots: number; readonly closedSlots: number },
  ) {
    const memory = mapWhole(libbpf, mapFds.slots, SLOTS * RECORD_BYTES);
    this.#words = new Int32Array(memory, 0, SLOTS * RECORD_WORDS);
    this.#view = new DataView(memory);
    const bits = mapWhole(libbpf, mapFds.closedSlots, SLOTS / 8);
    this.#closedBits = new Int32Array(bits, 0, SLOTS / 32);
  }

  /** Visits a copy of each connection's record, valid during the visit only. */
  read(visit: (view: DataView, at: number) => void): void {
    for (let first = 0; first < this.#words.length; first += RECORD_WORDS) {
      if (this.#copyRecord(first)) visit(this.#copyView, 0);
    }
  }

  /**
   * Visits the record of each closed connection and frees its slot. The bytes are the kernel's and
   * valid during the visit only.
   *
   * @returns the fill, 0 to 1: 1 when half of all slots or more were closed
   */
  takeClosed(visit: (view: DataView, at: number) => void): number {
    const closed = this.#closed;
    closed.length = 0;
    // Reads all bits before any record. On arm64 a bit may become visible some nanoseconds before
    // its record, although the kernel wrote the record first.
    for (let i = 0; i < this.#closedBits.length; i += 1) {
      if (this.#closedBits[i] !== 0) this.#takeBits(i);
    }
    for (const slot of closed) {
      const first = slot * RECORD_WORDS;
      visit(this.#view, slot * RECORD_BYTES);
      this.#words[first] = 0;
      this.#words[first + 1] = 0;
      Atomics.sub(this.#words, first + CLAIMS_WORD, 1);
    }
    return Math.min(1, closed.length / MAX_CLOSED);
  }

  #takeBits(word: number): void {
    let bits = Atomics.exchange(this.#closedBits, word, 0);
    while (bits !== 0) {
      const bit = 31 - Math.clz32(bits);
      this.#closed.push(word * 32 + bit);
      bits &= ~(1 << bit);
    }
  }

  /**
   * Copies a record under a claim of its slot, so that no other connection takes the slot meanwhile.
   *
   * @returns false when the slot is free
   */
  #copyRecord(first: number): boolean {
    const words = this.#words;
    if (words[first + CLAIMS_WORD] === 0) return false;
    Atomics.add(words, first + CLAIMS_WORD, 1);
    for (let i = 0; i < RECORD_WORDS; i += 1) this.#copy[i] = words[first + i] ?? 0;
    Atomics.sub(words, first + CLAIMS_WORD, 1);
    return this.#copy[0] !== 0 || this.#copy[1] !== 0;
  }
}

function mapWhole(
  libbpf: Pick<Libbpf, 'mapMemory' | 'pageBytes' | 'errno'>,
  fd: number,
  bytes: number,
): ArrayBuffer {
  const page = libbpf.pageBytes();
  const length = Math.ceil(bytes / page) * page;
  const memory = libbpf.mapMemory(fd, { offset: 0, length, writable: true });
  if (memory === undefined) throw new Error(`cannot map the slots: errno ${libbpf.errno()}`);
  return memory;
}
