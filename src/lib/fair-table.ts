export interface FairTableOptions<Value> {
  /** Maximum values of one owner. Beyond it, the owner's oldest value is dropped. */
  readonly perOwner: number;
  /** Maximum values in all. Beyond it, the owner with the most values loses its oldest. */
  readonly total: number;
  /** Called with each dropped value. */
  readonly onDropped?: ((value: Value, key: string) => void) | undefined;
}

/**
 * Values of several owners by key, in limited memory. A new value never costs another owner one
 * unless that owner has more. The oldest value is the one least recently set.
 */
export class FairTable<Value> {
  readonly #options: FairTableOptions<Value>;
  readonly #owners = new Map<string, Map<string, Value>>();
  #size = 0;

  constructor(options: FairTableOptions<Value>) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(owner: string): number {
    return this.#owners.get(owner)?.size ?? 0;
  }

  get(owner: string, key: string): Value | undefined {
    return this.#owners.get(owner)?.get(key);
  }

  /** Adds or replaces a value, which becomes its owner's newest. */
  set(owner: string, key: string, value: Value): void {
    const own = this.#owners.get(owner) ?? new Map<string, Value>();
    this.#owners.set(owner, own);
    if (!own.delete(key)) this.#size += 1;
    own.set(key, value);
    if (own.size > this.#options.perOwner) this.#dropOldest(owner, own);
    else if (this.#size > this.#options.total) this.#dropOldest(...this.#largest());
  }

  /** Replaces the value of a present key without making it the newest. */
  replace(owner: string, key: string, value: Value): void {
    const own = this.#owners.get(owner);
    if (own?.has(key) === true) own.set(key, value);
  }

  delete(owner: string, key: string): boolean {
    const own = this.#owners.get(owner);
    if (own === undefined || !own.delete(key)) return false;
    this.#size -= 1;
    if (own.size === 0) this.#owners.delete(owner);
    return true;
  }

  /** The values of an owner, oldest first. */
  of(owner: string): Iterable<[key: string, value: Value]> {
    return this.#owners.get(owner) ?? [];
  }

  *entries(): IterableIterator<[owner: string, key: string, value: Value]> {
    for (const [owner, own] of this.#owners) {
      for (const [key, value] of own) yield [owner, key, value];
    }
  }

  #dropOldest(owner: string, own: ReadonlyMap<string, Value>): void {
    for (const [key, value] of own) {
      this.delete(owner, key);
      this.#options.onDropped?.(value, key);
      return;
    }
  }

  #largest(): [owner: string, own: ReadonlyMap<string, Value>] {
    return largestOf(this.#owners, (own) => own.size);
  }
}

/** The entry with the greatest size; the first of equal ones. */
export function largestOf<Own>(
  owners: ReadonlyMap<string, Own>,
  sizeOf: (own: Own) => number,
): [owner: string, own: Own] {
  let largest: [string, Own] | undefined;
  for (const entry of owners) {
    if (largest === undefined || sizeOf(entry[1]) > sizeOf(largest[1])) largest = entry;
  }
  if (largest === undefined) throw new Error('a full table has an owner');
  return largest;
}
