/** A holder's bytes may be at most this many times the bytes that remain free. */
const SHARE = 3;

/**
 * Limits the bytes that all holders together hold at the same time. One holder gets at most three
 * quarters, and the more holders there are, the less each gets: some bytes always stay free for a
 * holder that has none.
 */
export class ByteBudget {
  readonly #max: number;
  readonly #heldBy = new Map<string, number>();
  #held = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** Reserves bytes. Returns false, and reserves none, when the holder's share would be exceeded. */
  reserve(holder: string, bytes: number): boolean {
    const own = (this.#heldBy.get(holder) ?? 0) + bytes;
    if (own > SHARE * (this.#max - this.#held - bytes)) return false;
    this.#set(holder, own);
    this.#held += bytes;
    return true;
  }

  release(holder: string, bytes: number): void {
    this.#held -= bytes;
    this.#set(holder, (this.#heldBy.get(holder) ?? 0) - bytes);
  }

  #set(holder: string, bytes: number): void {
    if (bytes === 0) this.#heldBy.delete(holder);
    else this.#heldBy.set(holder, bytes);
  }
}
