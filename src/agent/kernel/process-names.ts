import { COMMAND_BYTES } from './record-layout.ts';

/** A power of 2. */
const SLOTS = 256;
const HASH_SHIFT = 32 - Math.log2(SLOTS);
const FACTOR = 0x9e37_79b1;

/** Caches the strings of process names, so that one is not made for each connection. */
export class ProcessNames {
  /** Four words a slot: the 16 bytes of a name. */
  readonly #words = new Uint32Array(SLOTS * 4);
  /** Words of zeros are the empty name. */
  readonly #names = new Array<string>(SLOTS).fill('');

  /** The name at `at`, as the kernel cuts it: at most 15 bytes before the first NUL. */
  read(view: DataView, at: number): string {
    const a = view.getUint32(at, true);
    const b = view.getUint32(at + 4, true);
    const c = view.getUint32(at + 8, true);
    const d = view.getUint32(at + 12, true);
    const hash = Math.imul(
      Math.imul(Math.imul(Math.imul(a, FACTOR) ^ b, FACTOR) ^ c, FACTOR) ^ d,
      FACTOR,
    );
    const slot = hash >>> HASH_SHIFT;
    const words = this.#words;
    const first = slot * 4;
    const isCached =
      words[first] === a &&
      words[first + 1] === b &&
      words[first + 2] === c &&
      words[first + 3] === d;
    if (!isCached) {
      words.set([a, b, c, d], first);
      this.#names[slot] = readName(view, at);
    }
    return this.#names[slot] ?? '';
  }
}

function readName(view: DataView, at: number): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset + at, COMMAND_BYTES);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? COMMAND_BYTES : end);
}
