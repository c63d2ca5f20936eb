import type { BinaryAddress, Prefix } from './binary-address.ts';
import { firstAbove } from './first-above.ts';

/**
 * Cuts the address space wherever a prefix begins or ends. All addresses of one range lie in the
 * same prefixes, so longest-prefix matching gives the same answer for each of them.
 */
export class AddressRanges {
  /** The first address of each IPv4 range, ascending. */
  readonly #v4: Float64Array;
  /** The first address of each IPv6 range, ascending, four words each. */
  readonly #v6: Uint32Array;

  constructor(prefixes: Iterable<Prefix>) {
    const v4 = new Set([0]);
    const v6 = new Set([0n]);
    for (const { address, length } of prefixes) {
      if (address.isV4) {
        const first = address.word(3);
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

  /** The number of the range that holds an address. */
  of(address: BinaryAddress): number {
    // The first range of each family begins at its lowest address.
    if (address.isV4) return firstAbove(this.#v4, address.word(3)) - 1;
    let low = 0;
    let high = this.#v6.length / 4;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#beginsAbove(address, middle * 4)) high = middle;
      else low = middle;
    }
    return this.#v4.length + low;
  }

  #beginsAbove(address: BinaryAddress, at: number): boolean {
    for (let i = 0; i < 4; i += 1) {
      const first = this.#v6[at + i] as number;
      if (address.word(i) !== first) return address.word(i) < first;
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
