/** A queue in which the accounts take turns and the items of an account keep their order. */
export class FairQueue<Item> {
  readonly #lanes = new Map<string, Item[]>();

  get size(): number {
    let sum = 0;
    for (const lane of this.#lanes.values()) sum += lane.length;
    return sum;
  }

  /** The accounts that have items, the next one first. */
  accounts(): Iterable<string> {
    return this.#lanes.keys();
  }

  /** How many items of an account wait. */
  sizeOf(account: string): number {
    return this.#lanes.get(account)?.length ?? 0;
  }

  push(account: string, item: Item): void {
    const lane = this.#lanes.get(account);
    if (lane === undefined) this.#lanes.set(account, [item]);
    else lane.push(item);
  }

  /**
   * Removes the first item of the next account that `mayTurn` admits, by default of any. The
   * account's next turn is after all others'.
   */
  shift(mayTurn: (account: string) => boolean = () => true): Item | undefined {
    for (const [account, lane] of this.#lanes) {
      if (!mayTurn(account)) continue;
      const item = lane.shift();
      this.#lanes.delete(account);
      if (lane.length > 0) this.#lanes.set(account, lane);
      return item;
    }
    return undefined;
  }

  remove(matches: (item: Item) => boolean): void {
    for (const [account, lane] of this.#lanes) {
      const kept = lane.filter((item) => !matches(item));
      if (kept.length === 0) this.#lanes.delete(account);
      else this.#lanes.set(account, kept);
    }
  }
}
