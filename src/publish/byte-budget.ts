/** A shared allowance of bytes: what all requests together may hold at once. */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  get held(): number {
    return this.#held;
  }

  /** False, and nothing taken, when it would go beyond the allowance. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#held -= bytes;
  }
}
