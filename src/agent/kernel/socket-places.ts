import type { Libbpf } from './libbpf.ts';
import { RECORD_BYTES, TCP_STATE } from './socket-record.ts';

/** Given in bpf/nfm.bpf.c. */
const PLACES = 4_096;

/** `struct place`: the claims, then the record. */
const RECORD_OFFSET = 8;
const PLACE_BYTES = RECORD_OFFSET + RECORD_BYTES;

/** In words of 32 bits. */
const PLACE_WORDS = PLACE_BYTES / 4;
const RECORD_WORDS = RECORD_BYTES / 4;
const STATE_OFFSET = 113;

/**
 * The places connections take by the low bits of their cookies, read and given up in the memory they
 * share with the kernel. While a place is claimed no other connection can take it, so that what is
 * read in it is one connection's. The memory stays mapped for the life of the process.
 */
export class SocketPlaces {
  readonly #words: Int32Array;
  readonly #copy = new Int32Array(RECORD_WORDS);
  readonly #copyView = new DataView(this.#copy.buffer);

  constructor(libbpf: Pick<Libbpf, 'mapMemory' | 'pageBytes' | 'errno'>, mapFd: number) {
    const page = libbpf.pageBytes();
    const length = Math.ceil((PLACES * PLACE_BYTES) / page) * page;
    const memory = libbpf.mapMemory(mapFd, { offset: 0, length, writable: true });
    if (memory === undefined) throw new Error(`cannot map the places: errno ${libbpf.errno()}`);
    this.#words = new Int32Array(memory, 0, PLACES * PLACE_WORDS);
  }

  /** Visits a copy of each connection's record: valid during the visit only. */
  read(visit: (view: DataView, at: number) => void): void {
    for (let first = 0; first < this.#words.length; first += PLACE_WORDS) {
      if (this.#copyRecord(first)) visit(this.#copyView, 0);
    }
  }

  /** Gives up the place of a connection that has closed. False when it has none. */
  release(cookie: number): boolean {
    const words = this.#words;
    const first = (cookie % PLACES) * PLACE_WORDS;
    const record = first + RECORD_OFFSET / 4;
    if (words[record] !== (cookie | 0)) return false;
    if (words[record + 1] !== Math.floor(cookie / 0x1_0000_0000)) return false;
    const state = ((words[record + (STATE_OFFSET >> 2)] ?? 0) >> ((STATE_OFFSET & 3) * 8)) & 0xff;
    if (state !== TCP_STATE.close) return false;
    words.fill(0, record, record + 2);
    Atomics.sub(words, first, 1);
    return true;
  }

  /** False when the place is nobody's. */
  #copyRecord(first: number): boolean {
    const words = this.#words;
    if (words[first] === 0) return false;
    Atomics.add(words, first, 1);
    const record = first + RECORD_OFFSET / 4;
    for (let i = 0; i < RECORD_WORDS; i += 1) this.#copy[i] = words[record + i] ?? 0;
    Atomics.sub(words, first, 1);
    // The cookie is written last and taken first.
    return this.#copy[0] !== 0 || this.#copy[1] !== 0;
  }
}
