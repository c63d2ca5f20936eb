/** Asynchronous work done one after the other, in the order it came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work once all before it has ended, well or not. */
  take<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(act);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Resolves when all the work there is now has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
