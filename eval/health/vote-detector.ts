import { isNetwork, pathOf } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';

export interface VoteParameters {
  /** Minimum share of all votes before a construct is blamed. */
  readonly minShare: number;
}

/**
 * 007 (Arzani et al., NSDI 2018). Every flow with a retransmission gives each of the h constructs on
 * its path 1/h votes. Blames the construct with most votes if its share of all votes is large
 * enough, removes its flows, and lets the rest vote again. Switches get no votes: 007 names links.
 */
export class VoteDetector implements Detector {
  readonly name = '007 votes';
  readonly #parameters: VoteParameters;
  readonly #crossed = new CrossedCells();

  constructor(parameters: VoteParameters) {
    this.#parameters = parameters;
  }

  learn(): void {}

  judge(window: SimWindow): readonly Blame[] {
    const { network, retrans } = window;
    const cellsOf = this.#crossed.of(network);
    const votes = new Float64Array(network.constructs.length);
    const voters = new Set<number>();
    const vote = (cell: number, share: number) => {
      const path = pathOf(network, cell).filter((c) => network.constructs[c]?.kind !== 'switch');
      for (const construct of path)
        votes[construct] = (votes[construct] ?? 0) + share / path.length;
    };
    retrans.forEach((count, cell) => {
      if (count === 0) return;
      voters.add(cell);
      vote(cell, 1);
    });
    const blames: Blame[] = [];
    while (voters.size > 0) {
      const max = largest(votes);
      if ((votes[max] ?? 0) < this.#parameters.minShare * voters.size) break;
      blames.push(plainBlame(window, max));
      for (const cell of cellsOf[max] ?? []) if (voters.delete(cell)) vote(cell, -1);
    }
    return blames;
  }
}

export function plainBlame({ network }: SimWindow, construct: number): Blame {
  const kind = network.constructs[construct]?.kind ?? 'host';
  return { construct, isNetwork: isNetwork(kind), ambiguous: [] };
}

/** The index of the largest value; of equal ones the first. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}
