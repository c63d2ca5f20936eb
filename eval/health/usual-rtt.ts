import type { SimWindow } from '../sim/sim-window.ts';

/** Each cell's median round trip over the learned windows, in microseconds. */
export class UsualRtt {
  #windows: Float64Array[] = [];
  #medians: Float64Array | undefined;

  learn({ rttMean }: SimWindow): void {
    this.#windows.push(rttMean);
    this.#medians = undefined;
  }

  /** The medians by cell; 0 for a cell without samples. */
  medians(cells: number): Float64Array {
    this.#medians ??= Float64Array.from({ length: cells }, (_, cell) => {
      const seen = this.#windows.map((rtts) => rtts[cell] ?? 0).filter((rtt) => rtt > 0);
      return seen.sort((a, b) => a - b)[seen.length >> 1] ?? 0;
    });
    return this.#medians;
  }
}
