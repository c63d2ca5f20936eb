import { CoverDetector, type CoverParameters } from './cover-detector.ts';
import type { Detector } from './detector.ts';
import { FlockDetector, type FlockParameters } from './flock-detector.ts';
import { LeastSquaresDetector, type LeastSquaresParameters } from './least-squares-detector.ts';
import { RatioDetector, type RatioParameters } from './ratio-detector.ts';
import { VoteDetector, type VoteParameters } from './vote-detector.ts';

/** A published method: the parameter values that tuning tries, and the best ones. */
export interface Method<P> {
  readonly make: (parameters: P) => Detector;
  readonly grid: { readonly [K in keyof P]: readonly P[K][] };
  /**
   * The best by F1 on the training networks, found by `npm run bench:health -- --tune`; the held-out
   * networks had no part in it.
   */
  readonly tuned: { readonly cloud: P; readonly fabric: P };
}

const FLOCK_GRID = {
  badLoss: [2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 5e-2],
  goodLoss: [2e-5, 5e-5, 1e-4, 2e-4, 3e-4, 8e-4, 2e-3, 4e-3],
  prior: [5, 10, 15, 25, 50, 100, 200, 400],
  sharedPriorTimes: [1, 2, 5],
  lateMicros: [300, 1_000, 3_000, 10_000, 30_000],
};

const votes: Method<VoteParameters> = {
  make: (parameters) => new VoteDetector(parameters),
  grid: { minShare: [0.001, 0.0023, 0.005, 0.01, 0.0145, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2] },
  tuned: { cloud: { minShare: 0.05 }, fabric: { minShare: 0.01 } },
};

const UNCAPPED = { sharedPriorTimes: 2, lateMicros: 3_000, cap: Number.POSITIVE_INFINITY };

const flock: Method<FlockParameters> = {
  make: (parameters) => new FlockDetector(parameters),
  grid: { ...FLOCK_GRID, cap: [Number.POSITIVE_INFINITY] },
  tuned: {
    cloud: { ...UNCAPPED, badLoss: 3e-3, goodLoss: 2e-3, prior: 50 },
    fabric: { ...UNCAPPED, badLoss: 1e-2, goodLoss: 3e-4, prior: 15, sharedPriorTimes: 5 },
  },
};

const cappedFlock: Method<FlockParameters> = {
  make: (parameters) => new FlockDetector(parameters),
  grid: { ...FLOCK_GRID, cap: [1.5, 3, 5, 8] },
  tuned: {
    cloud: { ...flock.tuned.cloud, badLoss: 5e-3, cap: 8 },
    fabric: { ...flock.tuned.fabric, goodLoss: 1e-4, cap: 5 },
  },
};

const leastSquares: Method<LeastSquaresParameters> = {
  make: (parameters) => new LeastSquaresDetector(parameters),
  grid: {
    penalty: [0.001, 0.01, 0.1, 1, 3, 10, 30, 100],
    threshold: [5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2],
  },
  tuned: {
    cloud: { penalty: 10, threshold: 4e-3 },
    fabric: { penalty: 0.01, threshold: 2e-3 },
  },
};

const ratio: Method<RatioParameters> = {
  make: (parameters) => new RatioDetector(parameters),
  grid: {
    times: [3, 5, 8, 12, 20, 50, 100, 200],
    minRetrans: [5, 20, 50, 100, 200, 500, 1_000, 2_000],
  },
  tuned: {
    cloud: { times: 100, minRetrans: 500 },
    fabric: { times: 50, minRetrans: 200 },
  },
};

const cover: Method<CoverParameters> = {
  make: (parameters) => new CoverDetector(parameters),
  grid: {
    failedLoss: [1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2],
    failedRetrans: [1, 2, 3, 5, 10],
    hitRatio: [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  },
  tuned: {
    cloud: { failedLoss: 5e-3, failedRetrans: 1, hitRatio: 0.6 },
    fabric: { failedLoss: 1e-3, failedRetrans: 1, hitRatio: 0.2 },
  },
};

export const METHODS = { cappedFlock, flock, leastSquares, cover, ratio, votes };
