import type { Clock } from '../../lib/clock.ts';

/**
 * Up to this difference the host's clock is used: an answer's date has a resolution of a second, and
 * the answer travels for a while.
 */
const SKEW_MILLIS = 5_000;

export interface ServerClockDeps {
  /** The host's clock: it may be wrong, and it may be set at any time. */
  readonly clock: Clock;
  /** A clock that is never set. */
  readonly steady: Clock;
}

/**
 * The server's time: the server checks signatures against it and sorts rows by it. Before the server's
 * first answer, and while both agree within five seconds, it is the host's time. After the first
 * answer, jumps of the host's clock have no effect.
 */
export class ServerClock implements Clock {
  readonly #deps: ServerClockDeps;
  /** The server's time in its last answer minus the steady clock at that moment. */
  #aheadMillis: number | undefined;

  constructor(deps: ServerClockDeps) {
    this.#deps = deps;
  }

  now(): number {
    const own = this.#deps.clock.now();
    if (this.#aheadMillis === undefined) return own;
    const serverNow = Math.round(this.#deps.steady.now() + this.#aheadMillis);
    return Math.abs(own - serverNow) > SKEW_MILLIS ? serverNow : own;
  }

  /** Learns from the `Date` header of an answer (RFC 9110 5.6.7). Ignores a text that is no date. */
  learn(date: string | undefined): void {
    const millis = Date.parse(date ?? '');
    if (!Number.isNaN(millis)) this.#aheadMillis = millis - this.#deps.steady.now();
  }

  /** The host's time minus the server's; undefined before the server's first answer. */
  get hostAheadMillis(): number | undefined {
    if (this.#aheadMillis === undefined) return undefined;
    return this.#deps.clock.now() - this.#deps.steady.now() - this.#aheadMillis;
  }
}
