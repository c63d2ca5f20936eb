import { pathOf, type SimNetwork } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';
import { plainBlame } from './vote-detector.ts';

export interface LeastSquaresParameters {
  /** Weight of the penalty x(1-x), which pushes a success rate towards 0 or 1. */
  readonly penalty: number;
  /** A construct with a greater loss is bad. */
  readonly threshold: number;
}

const MAX_ROUNDS = 12;
const STILL = 1e-5;

/**
 * NetBouncer (Tan et al., NSDI 2019). Finds success rates x of constructs that minimise
 * Σ (y_j - Π x_i)² + λ Σ x_i (1 - x_i) over the cells j, by coordinate descent with its closed form.
 */
export class LeastSquaresDetector implements Detector {
  readonly name = 'NetBouncer';
  readonly #parameters: LeastSquaresParameters;
  readonly #crossed = new CrossedCells();

  constructor(parameters: LeastSquaresParameters) {
    this.#parameters = parameters;
  }

  learn(): void {}

  judge(window: SimWindow): readonly Blame[] {
    const { network, segments, retrans } = window;
    const cellsOf = this.#crossed.of(network);
    const good = new Float64Array(network.constructs.length).fill(1);
    const through = new Float64Array(network.cells).fill(1);
    const success = Float64Array.from(segments, (n, cell) =>
      n === 0 ? -1 : 1 - (retrans[cell] ?? 0) / n,
    );
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      let moved = 0;
      cellsOf.forEach((cells, construct) => {
        const before = good[construct] ?? 1;
        const after = this.#solve(cells, { success, through, before });
        if (after === before) return;
        moved = Math.max(moved, Math.abs(after - before));
        good[construct] = after;
        for (const cell of cells) through[cell] = product(network, good, cell);
      });
      if (moved < STILL) break;
    }
    const isBad = (construct: number) => 1 - (good[construct] ?? 1) >= this.#parameters.threshold;
    return [...good.keys()].filter(isBad).map((construct) => plainBlame(window, construct));
  }

  #solve(cells: Uint32Array, state: SolveState): number {
    const { success, through, before } = state;
    const { penalty } = this.#parameters;
    let first = 0;
    let second = 0;
    for (const cell of cells) {
      const y = success[cell] ?? -1;
      if (y < 0) continue;
      const rest = (through[cell] ?? 1) / Math.max(before, 1e-6);
      first += rest * y;
      second += rest * rest;
    }
    // With few cells the problem is concave, so the minimum is at 0 or 1.
    if (second <= penalty) return first >= second / 2 ? 1 : 0;
    return Math.min(1, Math.max(1e-6, (2 * first - penalty) / (2 * (second - penalty))));
  }
}

interface SolveState {
  readonly success: Float64Array;
  readonly through: Float64Array;
  readonly before: number;
}

function product(network: SimNetwork, good: Float64Array, cell: number): number {
  let all = 1;
  for (const construct of pathOf(network, cell)) all *= good[construct] ?? 1;
  return all;
}
