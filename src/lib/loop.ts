import { pause } from './pause.ts';

export interface LoopOptions {
  /** Does the work once. `stop` aborts the signal. */
  readonly round: (signal: AbortSignal) => Promise<unknown>;
  /** The pause after a round; `Infinity` pauses until `wake`. */
  readonly everyMillis: number;
  /** Called with the error of a failed round. The loop goes on. */
  readonly onError: (error: unknown) => void;
  /**
   * Returns the pause after a failed round, from the number of failures in a row. Default:
   * `everyMillis`.
   */
  readonly retryMillis?: ((failures: number) => number) | undefined;
  /** Pauses before the first round too. */
  readonly pausesFirst?: boolean | undefined;
}

/** The longest pause, because a Node timer holds at most 2^31 - 1 ms. */
const MAX_PAUSE_MILLIS = 2 ** 30;

/**
 * Repeats a piece of work until it is stopped: one round at a time, with a pause after each. A
 * `wake` ends the pause. A `wake` during a round, or before the start, makes the next round follow
 * without a pause, so no wake-up is lost.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #woken = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Aborted by `stop`. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Starts the next round now, or right after the current one. */
  wake(): void {
    this.#woken.abort();
  }

  /** Aborts the signal, and resolves when the current round has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { everyMillis, pausesFirst = false } = this.#options;
    if (pausesFirst) await this.#pause(everyMillis);
    while (!this.signal.aborted) {
      // Renewed before the round, so that a wake-up during the round still counts.
      this.#woken = new AbortController();
      await this.#pause(await this.#round());
    }
  }

  #failures = 0;

  /** @returns how long to pause after it */
  async #round(): Promise<number> {
    const { round, everyMillis, onError, retryMillis } = this.#options;
    try {
      await round(this.signal);
      this.#failures = 0;
      return everyMillis;
    } catch (error) {
      this.#failures += 1;
      onError(error);
      return retryMillis?.(this.#failures) ?? everyMillis;
    }
  }

  async #pause(millis: number): Promise<void> {
    if (millis > 0) await pause(Math.min(millis, MAX_PAUSE_MILLIS), this.#woken.signal);
  }
}
