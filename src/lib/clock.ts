/** Where time comes from, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still until it is moved. */
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
