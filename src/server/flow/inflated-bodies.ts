/**
 * Bodies that publish inflated to check them, kept for the path that reads them a moment later:
 * inflating again cost a sixth of the way. Bounded; what is not here is inflated from the journal.
 */
export class InflatedBodies {
  readonly #maxBytes: number;
  readonly #bodies = new Map<string, Buffer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Kept unless the bodies that wait already take all the room. */
  keep(signature: string, body: Buffer): void {
    if (this.#bytes + body.length > this.#maxBytes || this.#bodies.has(signature)) return;
    this.#bodies.set(signature, body);
    this.#bytes += body.length;
  }

  /** The body, once. */
  take(signature: string): Buffer | undefined {
    const body = this.#bodies.get(signature);
    if (body === undefined) return undefined;
    this.#bodies.delete(signature);
    this.#bytes -= body.length;
    return body;
  }
}
