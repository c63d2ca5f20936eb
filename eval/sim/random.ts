import { seededRandom } from '../../src/lib/testing.ts';

/** Draws from distributions; equal seeds give equal draws. */
export class Random {
  readonly #next: () => number;
  #spareNormal: number | undefined;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
    // Skip the first draws: those of neighbouring seeds are similar.
    for (let i = 0; i < 8; i += 1) this.#next();
  }

  /** In [from, to). */
  uniform(from = 0, to = 1): number {
    return from + (to - from) * this.#next();
  }

  logUniform(from: number, to: number): number {
    return Math.exp(this.uniform(Math.log(from), Math.log(to)));
  }

  /** An integer in [from, to). */
  integer(from: number, to: number): number {
    return Math.floor(this.uniform(from, to));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length)];
    if (item === undefined) throw new Error('cannot pick from nothing');
    return item;
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.#next() - 1;
      const y = 2 * this.#next() - 1;
      const square = x * x + y * y;
      if (square === 0 || square >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spareNormal = y * scale;
      return x * scale;
    }
  }

  /** exp of a normal with mean 0, so its median is 1. */
  logNormal(sigma: number): number {
    return Math.exp(sigma * this.normal());
  }

  /** Pareto by shape and minimum, cut at `max`. */
  pareto(shape: number, min: number, max: number): number {
    return Math.min(max, min * (1 - this.#next()) ** (-1 / shape));
  }

  poisson(mean: number): number {
    if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = this.#next(); product > limit; product *= this.#next()) count += 1;
    return count;
  }

  binomial(trials: number, probability: number): number {
    if (trials * probability > 40 && trials * (1 - probability) > 40) {
      const mean = trials * probability;
      const drawn = mean + Math.sqrt(mean * (1 - probability)) * this.normal();
      return Math.min(trials, Math.max(0, Math.round(drawn)));
    }
    if (probability < 0.02) return Math.min(trials, this.poisson(trials * probability));
    let count = 0;
    for (let i = 0; i < trials; i += 1) if (this.#next() < probability) count += 1;
    return count;
  }

  /** The number of trials until the first success: at least 1, on average `mean`. */
  geometric(mean: number): number {
    if (mean <= 1) return 1;
    return 1 + Math.floor(Math.log(1 - this.#next()) / Math.log(1 - 1 / mean));
  }
}
