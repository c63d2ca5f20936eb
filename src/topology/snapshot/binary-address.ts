import { canonicalAddress } from '../../model/address.ts';

const DOT = 46;
const COLON = 58;
const ZERO = 48;
const LOWER_A = 97;

/**
 * An address as four 32-bit words, IPv4 as v4-mapped (RFC 4291 2.5.5.2). Lookups reuse one object.
 */
export class BinaryAddress {
  readonly words = new Uint32Array(4);
  isV4 = false;

  static of(words: ArrayLike<number>): BinaryAddress {
    const address = new BinaryAddress();
    address.words.set(words);
    const [high, middle, low] = address.words;
    address.isV4 = high === 0 && middle === 0 && low === 0xffff;
    return address;
  }

  /** Word 0 is the most significant. */
  word(i: number): number {
    return this.words[i] as number;
  }

  /** Reads canonical text. Other text gives an arbitrary address. */
  read(text: string): void {
    this.isV4 = !text.includes(':');
    if (this.isV4) this.#readV4(text);
    else this.#readV6(text);
  }

  #readV4(text: string): void {
    let value = 0;
    let octet = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === DOT) {
        value = value * 256 + octet;
        octet = 0;
      } else {
        octet = octet * 10 + code - ZERO;
      }
    }
    this.words[0] = 0;
    this.words[1] = 0;
    this.words[2] = 0xffff;
    this.words[3] = value * 256 + octet;
  }

  #readV6(text: string): void {
    const { words } = this;
    words.fill(0);
    let at = 0;
    let group = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code !== COLON) {
        group = group * 16 + (code >= LOWER_A ? code - LOWER_A + 10 : code - ZERO);
        continue;
      }
      this.#setGroup(at, group);
      group = 0;
      at += 1;
      if (text.charCodeAt(i + 1) !== COLON) continue;
      i += 1;
      at = 8 - groupsFrom(text, i + 1);
    }
    this.#setGroup(at, group);
  }

  #setGroup(at: number, group: number): void {
    if (at > 7) return;
    const word = this.words[at >> 1] ?? 0;
    this.words[at >> 1] = word | ((at & 1) === 0 ? group << 16 : group);
  }
}

function groupsFrom(text: string, start: number): number {
  if (start >= text.length) return 1;
  let groups = 1;
  for (let i = start; i < text.length; i += 1) if (text.charCodeAt(i) === COLON) groups += 1;
  return groups;
}

/** `length` is in bits of 128, so an IPv4 /24 has 120. */
export interface Prefix {
  readonly address: BinaryAddress;
  readonly length: number;
}

/**
 * Reads `10.0.1.0/24` or a single address; undefined for other text. Clears bits beyond the length.
 */
export function readPrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const canonical = canonicalAddress(slash === -1 ? text : text.slice(0, slash));
  if (canonical === undefined) return undefined;
  const address = new BinaryAddress();
  address.read(canonical);
  if (slash === -1) return { address, length: 128 };
  const max = address.isV4 ? 32 : 128;
  const own = /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : 129;
  if (own > max) return undefined;
  const length = 128 - max + own;
  for (let i = 0; i < 4; i += 1) {
    address.words[i] = maskWord(address.words[i] ?? 0, length - i * 32);
  }
  return { address, length };
}

/** Keeps the first `bits` of a 32-bit word. */
export function maskWord(word: number, bits: number): number {
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}

/** Whether a prefix lies within another. */
export function isWithin(inner: Prefix, outer: Prefix): boolean {
  if (inner.address.isV4 !== outer.address.isV4 || inner.length < outer.length) return false;
  return outer.address.words.every(
    (word, i) => maskWord(inner.address.words[i] ?? 0, outer.length - i * 32) === word,
  );
}
