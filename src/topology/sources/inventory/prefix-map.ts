import { prefixOf } from '../../../model/address.ts';

/**
 * Values by canonical prefix, with longest-prefix matching. For documents; `PrefixIndex` is for
 * flows.
 */
export class PrefixMap<Value> {
  /** By length, then by prefix. The text of an IPv4 prefix is never that of an IPv6 prefix. */
  readonly #byLength = new Map<number, Map<string, Value>>();

  set(prefix: string, value: Value): void {
    const { length } = partsOf(prefix);
    const known = this.#byLength.get(length);
    if (known === undefined) this.#byLength.set(length, new Map([[prefix, value]]));
    else known.set(prefix, value);
  }

  /** The value of the longest prefix that contains an address. */
  find(address: string): Value | undefined {
    return this.#around(address, address.includes(':') ? 128 : 32);
  }

  /** The value of the longest prefix that contains another prefix or equals it. */
  findAround(prefix: string): Value | undefined {
    const { address, length } = partsOf(prefix);
    return this.#around(address, length);
  }

  #around(address: string, max: number): Value | undefined {
    const lengths = [...this.#byLength.keys()].filter((length) => length <= max);
    for (const length of lengths.sort((a, b) => b - a)) {
      const value = this.#byLength.get(length)?.get(prefixOf(address, length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function partsOf(prefix: string) {
  const [address = '', length] = prefix.split('/');
  return { address, length: Number(length) };
}
