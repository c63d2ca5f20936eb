import type { Clock } from './clock.ts';
import { MILLIS_A_DAY } from './durations.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface AgeClockDeps {
  readonly clock: Clock;
  /** Milliseconds that have passed since any fixed moment; no change of the clock affects it. */
  readonly monotonic: () => number;
  /** True if an operator confirms that the clock is right after a long stop. */
  readonly isConfirmed: boolean;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A server that was stopped for less than this finds its clock in agreement. */
const TOLERANCE_MILLIS = MILLIS_A_DAY;

/**
 * The time by which rows are old enough to be deleted. It follows the clock while that agrees, to a
 * day, with the last time known plus the time passed since. A clock that is further ahead may be
 * wrong, so age goes on from the last time known: rows are deleted too late rather than too early.
 * A clock that is behind makes rows younger, and deletes nothing.
 */
export class AgeClock implements Clock {
  readonly #deps: AgeClockDeps;
  #knownMillis: number | undefined;
  #checkedAt = 0;
  #isSuspect = false;

  constructor(deps: AgeClockDeps) {
    this.#deps = deps;
    deps.metrics.observedGauge(
      {
        name: 'nfm_clock_suspect',
        help: '1 while the clock differs by more than a day from the last time known, so that rows are deleted later than the retention; --trust-clock confirms the clock',
      },
      () => {
        this.now();
        return this.#isSuspect ? 1 : 0;
      },
    );
  }

  /** Sets the last time known; without one, the clock is all there is. */
  start(knownMillis: number | undefined): void {
    const { clock, isConfirmed, monotonic } = this.#deps;
    this.#knownMillis = isConfirmed ? clock.now() : (knownMillis ?? clock.now());
    this.#checkedAt = monotonic();
    this.now();
  }

  /** Returns 0, so that nothing is old, before `start`. */
  now(): number {
    if (this.#knownMillis === undefined) return 0;
    const { clock, monotonic } = this.#deps;
    const passed = monotonic();
    const expected = this.#knownMillis + passed - this.#checkedAt;
    this.#checkedAt = passed;
    const now = clock.now();
    this.#note(Math.abs(now - expected) > TOLERANCE_MILLIS, { now, expected });
    this.#knownMillis = this.#isSuspect ? expected : now;
    return this.#isSuspect ? Math.min(now, expected) : now;
  }

  /** The last time known, for the next start. */
  get knownMillis(): number | undefined {
    this.now();
    return this.#knownMillis;
  }

  #note(isSuspect: boolean, times: { readonly now: number; readonly expected: number }): void {
    if (isSuspect === this.#isSuspect) return;
    this.#isSuspect = isSuspect;
    const fields = { clock: textOf(times.now), expected: textOf(times.expected) };
    const message = isSuspect
      ? 'the clock differs from the last time known by more than a day; nothing is deleted by its age until it agrees, or --trust-clock confirms it'
      : 'the clock agrees with the last time known again';
    this.#deps.log.warn(message, fields);
  }
}

function textOf(millis: number): string {
  return new Date(millis).toISOString();
}
