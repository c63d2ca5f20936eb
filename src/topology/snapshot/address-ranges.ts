import type { BinaryAddress, Prefix } from './binary-address.ts';

/**
 * All addresses, cut where a prefix begins or ends: those of one range lie in the same prefixes, so
 * whatever is decided by the longest prefix is decided alike for all of them.
 */
export class AddressRanges {
  /** Where ranges begin, ascending. */
  readonly #v4: Float64Array;
  /** As above, four words each. */
  readonly #v6: Uint32Array;

  constructor(prefixes: Iterable<Prefix>) {
    const v4 = new Set([0]);
    const v6 = new Set([0n]);
    for (const { address, length } of prefixes) {
      if (address.isV4) {
        const first = address.words[3] as number;
        v4.add(first).add(first + 2 ** (128 - length));
      } else {
        const first = bigOf(address.words);
        v6.add(first).add(first + (1n << BigInt(128 - length)));
      }
    }
    this.#v4 = Float64Array.from(v4).sort();
    const ordered = [...v6].filter((first) => first >> 128n === 0n).sort(compare);
    this.#v6 = Uint32Array.from(ordered.flatMap(wordsOf));
  }

  /** The number of an address's range. */
  of({ words, isV4 }: BinaryAddress): number {
    let low = 0;
    let high = isV4 ? this.#v4.length : this.#v6.length / 4;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const isBelow = isV4
        ? (words[3] as number) < (this.#v4[middle] as number)
        : this.#isBelow(words, middle * 4);
      if (isBelow) high = middle;
      else low = middle;
    }
    return isV4 ? low : this.#v4.length + low;
  }

  #isBelow(words: Uint32Array, at: number): boolean {
    for (let i = 0; i < 4; i += 1) {
      const word = words[i] as number;
      const first = this.#v6[at + i] as number;
      if (word !== first) return word < first;
    }
    return false;
  }
}

function bigOf(words: Uint32Array): bigint {
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

function wordsOf(value: bigint): number[] {
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffffffffn));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
