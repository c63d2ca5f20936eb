import { isNetwork, pathOf } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';
import { UsualRtt } from './usual-rtt.ts';
import { largest, plainBlame } from './vote-detector.ts';

export interface FlockParameters {
  /** Probabilities that a packet is lost on a bad path and on a good path. */
  readonly badLoss: number;
  readonly goodLoss: number;
  /** Negative log prior of a failed end or link; other shared kinds have it times `sharedPriorTimes`. */
  readonly prior: number;
  readonly sharedPriorTimes: number;
  /** Maximum evidence of one flow for a fault, in nats; the paper has no cap (Infinity). */
  readonly cap: number;
  /** A round trip this many microseconds above its median counts as one lost packet. */
  readonly lateMicros: number;
}

const MAX_FAULTS = 40;

/**
 * Flock (Harsh et al., PACMNET CoNEXT 2023) with known paths. A flow of t packets, r of them lost,
 * is (p_b/p_g)^r ((1-p_b)/(1-p_g))^(t-r) times more likely if a construct on its path has failed.
 * Grows the set of failures with the greatest posterior greedily, and after each addition revisits
 * only the flows through it. With known paths, a flow explained by one failure is no evidence for a
 * second. The cap on one flow's evidence is our addition: without it, one large flow of a sick
 * application is enough to blame a construct.
 */
export class FlockDetector implements Detector {
  readonly name: string;
  readonly #parameters: FlockParameters;
  readonly #crossed = new CrossedCells();
  readonly #usual = new UsualRtt();

  constructor(parameters: FlockParameters) {
    this.#parameters = parameters;
    this.name = parameters.cap === Number.POSITIVE_INFINITY ? 'Flock' : 'Flock, capped';
  }

  learn(window: SimWindow): void {
    this.#usual.learn(window);
  }

  judge(window: SimWindow): readonly Blame[] {
    const { network } = window;
    const cellsOf = this.#crossed.of(network);
    const evidence = this.#evidence(window);
    const { prior, sharedPriorTimes } = this.#parameters;
    const gains = Float64Array.from(network.constructs, ({ kind }) =>
      isNetwork(kind) && kind !== 'link' ? -prior * sharedPriorTimes : -prior,
    );
    const add = (cell: number, sign: number) => {
      for (const construct of pathOf(network, cell)) {
        gains[construct] = (gains[construct] ?? 0) + sign * (evidence[cell] ?? 0);
      }
    };
    for (let cell = 0; cell < network.cells; cell += 1) add(cell, 1);
    const blames: Blame[] = [];
    while (blames.length < MAX_FAULTS) {
      const best = largest(gains);
      if ((gains[best] ?? 0) <= 0) break;
      blames.push(plainBlame(window, best));
      for (const cell of cellsOf[best] ?? []) {
        add(cell, -1);
        evidence[cell] = 0;
      }
      gains[best] = Number.NEGATIVE_INFINITY;
    }
    return blames;
  }

  /**
   * The log likelihood ratio of each cell's counts: with a failed construct on its path, against
   * without one.
   */
  #evidence({ network, segments, retrans, rttMean }: SimWindow): Float64Array {
    const { badLoss, goodLoss, cap, lateMicros } = this.#parameters;
    const lost = Math.log(badLoss / goodLoss);
    const kept = Math.log((1 - badLoss) / (1 - goodLoss));
    const usual = this.#usual.medians(network.cells);
    return Float64Array.from({ length: network.cells }, (_, cell) => {
      const of = usual[cell] ?? 0;
      const isLate = of > 0 && (rttMean[cell] ?? 0) - of > lateMicros;
      if (isLate) return Math.min(cap, lost);
      const r = retrans[cell] ?? 0;
      const said = r * lost + ((segments[cell] ?? 0) - r) * kept;
      return Math.max(-cap, Math.min(cap, said));
    });
  }
}
