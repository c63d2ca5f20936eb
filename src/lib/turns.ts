/** Runs asynchronous tasks one at a time, in the order in which they were added. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task when the tasks before it have ended, whether they failed or not. */
  take<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when all tasks added so far have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
