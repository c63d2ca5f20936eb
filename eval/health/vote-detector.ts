import { isNetwork, pathOf } from '../sim/sim-network.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';

export interface VoteParameters {
  /** A construct with less than this share of all votes is not blamed. */
  readonly minShare: number;
}

/**
 * 007 (Arzani et al., NSDI 2018): every flow that retransmitted gives each of the h constructs on its
 * path 1/h votes. The one with most is blamed if it has a share of all votes, its flows are taken
 * out, and the rest vote again. Switches are not voted for: 007 names links.
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

/** The place of the largest value; the first of equals. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}
