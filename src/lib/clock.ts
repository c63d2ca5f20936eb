import { uptime } from 'node:os';

/** Where time comes from, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/**
 * Milliseconds since this machine started, its sleep included: never set, so it never jumps. For
 * how long something lasts; the kernel gives it in steps of 10 ms.
 */
export const steadyClock: Clock = { now: () => uptime() * 1_000 };

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
