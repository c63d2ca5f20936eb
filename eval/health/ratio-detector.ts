import { pathOf } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import type { Blame, Detector } from './detector.ts';
import { plainBlame } from './vote-detector.ts';

export interface RatioParameters {
  /** Times its usual loss that a construct's cells lose together. */
  readonly times: number;
  /** Retransmissions below which nothing is said. */
  readonly minRetrans: number;
}

/** Below this a usual loss is taken for this: nobody divides by nothing. */
const MIN_LOSS = 1e-5;

/** The rule one writes first: a construct is bad when its loss is so many times its usual one. */
export class RatioDetector implements Detector {
  readonly name = 'loss ratio';
  readonly #parameters: RatioParameters;
  #usual: LossSums | undefined;

  constructor(parameters: RatioParameters) {
    this.#parameters = parameters;
  }

  learn(window: SimWindow): void {
    this.#usual ??= new LossSums(window.network.constructs.length);
    this.#usual.add(window);
  }

  judge(window: SimWindow): readonly Blame[] {
    const now = new LossSums(window.network.constructs.length);
    now.add(window);
    const { times, minRetrans } = this.#parameters;
    const blames: Blame[] = [];
    now.retrans.forEach((retrans, construct) => {
      const usual = Math.max(MIN_LOSS, this.#usual?.loss(construct) ?? 0);
      if (retrans >= minRetrans && now.loss(construct) > times * usual) {
        blames.push(plainBlame(window, construct));
      }
    });
    return blames;
  }
}

/** Retransmissions and segments of the cells of each construct. */
class LossSums {
  readonly retrans: Float64Array;
  readonly #segments: Float64Array;

  constructor(constructs: number) {
    this.retrans = new Float64Array(constructs);
    this.#segments = new Float64Array(constructs);
  }

  add({ network, segments, retrans }: SimWindow): void {
    for (let cell = 0; cell < network.cells; cell += 1) {
      for (const construct of pathOf(network, cell)) {
        this.retrans[construct] = (this.retrans[construct] ?? 0) + (retrans[cell] ?? 0);
        this.#segments[construct] = (this.#segments[construct] ?? 0) + (segments[cell] ?? 0);
      }
    }
  }

  loss(construct: number): number {
    const segments = this.#segments[construct] ?? 0;
    return segments === 0 ? 0 : (this.retrans[construct] ?? 0) / segments;
  }
}
