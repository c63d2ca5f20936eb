import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';
import { largest, plainBlame } from './vote-detector.ts';

export interface CoverParameters {
  /** Loss above which a path has failed, and retransmissions below which it has not. */
  readonly failedLoss: number;
  readonly failedRetrans: number;
  /** Share of the paths through a construct that have failed, at least, to accuse it. */
  readonly hitRatio: number;
}

/**
 * PLL of deTector (Peng et al., ATC 2017): of the constructs whose hit ratio (failed paths through it
 * over all) is above a threshold, the one that explains most lost packets is blamed, what it
 * explains is taken out, and so on until nothing is left to explain.
 */
export class CoverDetector implements Detector {
  readonly name = 'deTector PLL';
  readonly #parameters: CoverParameters;
  readonly #crossed = new CrossedCells();

  constructor(parameters: CoverParameters) {
    this.#parameters = parameters;
  }

  learn(): void {}

  judge(window: SimWindow): readonly Blame[] {
    const { segments, retrans } = window;
    const { failedLoss, failedRetrans, hitRatio } = this.#parameters;
    const cellsOf = this.#crossed.of(window.network);
    const lost = Float64Array.from(retrans, (r, cell) =>
      r >= failedRetrans && r > failedLoss * (segments[cell] ?? 0) ? r : 0,
    );
    const isCandidate = cellsOf.map((cells) => {
      const tried = cells.filter((cell) => (segments[cell] ?? 0) > 0);
      const failed = tried.filter((cell) => (lost[cell] ?? 0) > 0);
      return failed.length > 0 && failed.length >= hitRatio * tried.length;
    });
    const explained = () =>
      Float64Array.from(cellsOf, (cells, construct) =>
        isCandidate[construct] ? cells.reduce((sum, cell) => sum + (lost[cell] ?? 0), 0) : 0,
      );
    const blames: Blame[] = [];
    for (;;) {
      const gains = explained();
      const best = largest(gains);
      if ((gains[best] ?? 0) === 0) return blames;
      blames.push(plainBlame(window, best));
      for (const cell of cellsOf[best] ?? []) lost[cell] = 0;
    }
  }
}
