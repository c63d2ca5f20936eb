import type { Libbpf } from './libbpf.ts';
import { RECORD_BYTES, RECORD_OFFSET } from './record-layout.ts';

/** Given in bpf/kept-sockets.h. */
const PLACES = 8_192;

/** Words of 32 bits. A record begins with its cookie. */
const RECORD_WORDS = RECORD_BYTES / 4;
const CLAIMS_WORD = RECORD_OFFSET.claims / 4;

/** Of the places; beyond it new connections often find theirs taken, and go the slower way. */
const MAX_CLOSED = PLACES / 2;

/** Not 1, as none wait elsewhere for want of a place. */
const FULL = 0.99;

/**
 * The places connections take by the low bits of their cookies, read and given up in the memory
 * they share with the kernel. The memory stays mapped for the life of the process: a view of
 * unmapped memory would be a crash waiting.
 */
export class SocketPlaces {
  readonly #words: Int32Array;
  readonly #view: DataView;
  /** A bit a place whose connection has closed. */
  readonly #closedBits: Int32Array;
  readonly #closed: number[] = [];
  readonly #copy = new Int32Array(RECORD_WORDS);
  readonly #copyView = new DataView(this.#copy.buffer);

  constructor(
    libbpf: Pick<Libbpf, 'mapMemory' | 'pageBytes' | 'errno'>,
    mapFds: { readonly places: number; readonly closedPlaces: number },
  ) {
    const memory = mapWhole(libbpf, mapFds.places, PLACES * RECORD_BYTES);
    this.#words = new Int32Array(memory, 0, PLACES * RECORD_WORDS);
    this.#view = new DataView(memory);
    const bits = mapWhole(libbpf, mapFds.closedPlaces, PLACES / 8);
    this.#closedBits = new Int32Array(bits, 0, PLACES / 32);
  }

  /** Visits a copy of each connection's record: valid during the visit only. */
  read(visit: (view: DataView, at: number) => void): void {
    for (let first = 0; first < this.#words.length; first += RECORD_WORDS) {
      if (this.#copyRecord(first)) visit(this.#copyView, 0);
    }
  }

  /**
   * Visits the record of each connection that has closed, and gives up its place. The bytes are the
   * kernel's: valid during the visit only.
   *
   * @returns how full it was: 0 to 1
   */
  takeClosed(visit: (view: DataView, at: number) => void): number {
    const closed = this.#closed;
    closed.length = 0;
    // All bits first: an arm64 machine may show a bit some nanoseconds before what was written before it.
    for (let i = 0; i < this.#closedBits.length; i += 1) {
      if (this.#closedBits[i] !== 0) this.#takeBits(i);
    }
    for (const place of closed) {
      const first = place * RECORD_WORDS;
      visit(this.#view, place * RECORD_BYTES);
      this.#words[first] = 0;
      this.#words[first + 1] = 0;
      Atomics.sub(this.#words, first + CLAIMS_WORD, 1);
    }
    return Math.min(FULL, closed.length / MAX_CLOSED);
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
   * While it is claimed no other connection can take the place: what is copied is one connection's.
   *
   * @returns false when the place is nobody's
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
  if (memory === undefined) throw new Error(`cannot map a table: errno ${libbpf.errno()}`);
  return memory;
}
