import type { Clock } from '../../lib/clock.ts';

/** Nearer than this the host's own clock counts: an answer's date has a grain of a second, and a way. */
const SKEW_MILLIS = 5_000;

export interface ServerClockDeps {
  /** The host's own: may be wrong, and may be set at any moment. */
  readonly clock: Clock;
  /** Never set. */
  readonly steady: Clock;
}

/**
 * The time as the server has it, which is what a signature is checked against and what its rows are
 * sorted by. Until the server has told it, and as long as they agree to five seconds, it is the
 * host's own. A host's clock that jumps makes no difference once the server has told the time.
 */
export class ServerClock implements Clock {
  readonly #deps: ServerClockDeps;
  /** What the server said, minus the steady clock then. */
  #aheadMillis: number | undefined;

  constructor(deps: ServerClockDeps) {
    this.#deps = deps;
  }

  now(): number {
    const own = this.#deps.clock.now();
    if (this.#aheadMillis === undefined) return own;
    const told = Math.round(this.#deps.steady.now() + this.#aheadMillis);
    return Math.abs(own - told) > SKEW_MILLIS ? told : own;
  }

  /** Learns from the `Date` header of an answer (RFC 9110 5.6.7); what is no date is ignored. */
  learn(date: string | undefined): void {
    const millis = Date.parse(date ?? '');
    if (!Number.isNaN(millis)) this.#aheadMillis = millis - this.#deps.steady.now();
  }

  /** How far the host's own clock is ahead of the server's, or undefined when it never told. */
  get hostAheadMillis(): number | undefined {
    if (this.#aheadMillis === undefined) return undefined;
    return this.#deps.clock.now() - this.#deps.steady.now() - this.#aheadMillis;
  }
}
