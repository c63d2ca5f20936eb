import { FairQueue } from './fair-queue.ts';

export interface SlotLimits {
  /** Tasks of all accounts at once. */
  readonly max: number;
  readonly maxPerAccount: number;
}

/** Limits how many tasks run at once, in all and for each account. Waiting accounts take turns. */
export class AccountSlots {
  readonly #limits: SlotLimits;
  readonly #waiting = new FairQueue<() => void>();
  readonly #running = new Map<string, number>();
  #total = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /** Runs a task when a slot of its account is free. */
  async run<Result>(account: string, task: () => Promise<Result>): Promise<Result> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(account, () => {
        this.#count(account, 1);
        resolve();
      });
      this.#next();
    });
    try {
      return await task();
    } finally {
      this.#count(account, -1);
      this.#next();
    }
  }

  #next(): void {
    const { max, maxPerAccount } = this.#limits;
    while (this.#total < max) {
      const begin = this.#waiting.shift(
        (account) => (this.#running.get(account) ?? 0) < maxPerAccount,
      );
      if (begin === undefined) return;
      begin();
    }
  }

  #count(account: string, change: 1 | -1): void {
    this.#total += change;
    const running = (this.#running.get(account) ?? 0) + change;
    if (running === 0) this.#running.delete(account);
    else this.#running.set(account, running);
  }
}
