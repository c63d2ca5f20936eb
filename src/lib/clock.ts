/** The source of the current time, so that tests can set it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that changes only when a test advances it. */
export class FakeClock implements Clock {
  #millis: number;

  constructor(millis: number) {
    this.#millis = millis;
  }

  now(): number {
    return this.#millis;
  }

  advance(millis: number): void {
    this.#millis += millis;
  }
}
