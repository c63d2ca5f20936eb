import { pathOf } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import type { Blame, Detector } from './detector.ts';
import { plainBlame } from './vote-detector.ts';

export interface RatioParameters {
  /** A construct is bad if its cells lose this many times their usual loss. */
  readonly times: number;
  /** A construct with fewer retransmissions is not judged. */
  readonly minRetrans: number;
}

/** Lower limit of a usual loss, against division by zero. */
const MIN_LOSS = 1e-5;

/** The naive rule: a construct is bad if its loss is a multiple of its usual loss. */
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

/** Sums of the retransmissions and segments of each construct's cells. */
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
