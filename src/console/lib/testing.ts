import { FakeClock } from '../../lib/clock.ts';
import type { Timers } from './timers.ts';

interface Timer {
  readonly dueMillis: number;
  readonly call: () => void;
}

/** Timers that fire when their clock is advanced. */
export class FakeTimers implements Timers {
  readonly clock: FakeClock;
  readonly #timers = new Set<Timer>();

  constructor(nowMillis: number) {
    this.clock = new FakeClock(nowMillis);
  }

  get pending(): number {
    return this.#timers.size;
  }

  after(millis: number, call: () => void): () => void {
    const timer = { dueMillis: this.clock.now() + millis, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(millis: number): void {
    this.clock.advance(millis);
    for (const timer of [...this.#timers]) {
      if (timer.dueMillis > this.clock.now()) continue;
      this.#timers.delete(timer);
      timer.call();
    }
  }
}
