/** Limits the bytes that all requests together hold at the same time. */
export class ByteBudget {
  readonly #max: number;
  #held = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** Reserves bytes. Returns false, and reserves none, when the limit would be exceeded. */
  reserve(bytes: number): boolean {
    if (this.#held + bytes > this.#max) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
