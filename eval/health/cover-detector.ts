import type { SimWindow } from '../sim/sim-window.ts';
import { CrossedCells } from './crossed-cells.ts';
import type { Blame, Detector } from './detector.ts';
import { largest, plainBlame } from './vote-detector.ts';

export interface CoverParameters {
  /** A path has failed if its loss exceeds `failedLoss` and it has `failedRetrans` retransmissions. */
  readonly failedLoss: number;
  readonly failedRetrans: number;
  /** Minimum share of failed paths among those through a construct before it is accused. */
  readonly hitRatio: number;
}

/**
 * PLL of deTector (Peng et al., ATC 2017). A construct's hit ratio is the share of failed paths
 * among the paths through it. Of the constructs with a hit ratio above a threshold, blames the one
 * that explains most lost packets, removes the packets it explains, and repeats until no loss is
 * left.
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
