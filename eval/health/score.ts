import { cellsByConstruct, isNetwork, type SimNetwork } from '../sim/sim-network.ts';
import type { SimFault, SimWindow } from '../sim/sim-window.ts';
import type { Blame } from './detector.ts';

/** Counts over the windows of one fault class. */
export interface ClassScore {
  windows: number;
  /**
   * Network faults; those that a method found exactly; and those that it found or listed as
   * ambiguous.
   */
  faults: number;
  found: number;
  foundInSet: number;
  /** Network blames, and those that were right. */
  blames: number;
  right: number;
  /** Windows with a wrong network blame. */
  wrongWindows: number;
  /** Faults of ends, images and configuration, and those named as such. */
  others: number;
  othersNamed: number;
}

/** The score of one method over the windows added. */
export class Score {
  readonly classes = new Map<string, ClassScore>();
  /** |ln(estimated / true)| of each fault with an estimated severity. */
  readonly severityErrors: number[] = [];
  readonly setSizes: number[] = [];
  /** The network blames with a confidence, and whether each was right. */
  readonly confidences: { readonly confidence: number; readonly isRight: boolean }[] = [];
  #millis: number[] = [];
  readonly #same = new SameColumns();

  add(name: string, window: SimWindow, judged: { blames: readonly Blame[]; millis: number }): void {
    this.#millis.push(judged.millis);
    const score = this.#classOf(name);
    const truths = this.#truths(window);
    const blames = judged.blames.filter((blame) => blame.isNetwork);
    score.windows += 1;
    this.#addFound(score, truths, blames);
    this.#addOthers(score, window, judged.blames);
    let isWrong = false;
    for (const blame of blames) {
      const truth = truths.get(this.#same.of(window.network, blame.construct));
      score.blames += 1;
      if (truth === undefined) isWrong = true;
      else score.right += 1;
      this.#addDetail(blame, truth);
    }
    if (isWrong) score.wrongWindows += 1;
  }

  /** Sums over the named classes, or over all by default. */
  total(names: readonly string[] = [...this.classes.keys()]): ClassScore {
    const sum = emptyScore();
    for (const name of names) {
      const score = this.classes.get(name) ?? emptyScore();
      for (const key of Object.keys(sum) as (keyof ClassScore)[]) sum[key] += score[key];
    }
    return sum;
  }

  /** A quantile of the run time of a window, in milliseconds. */
  millis(quantile: number): number {
    const sorted = this.#millis.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
  }

  #truths(window: SimWindow): ReadonlyMap<number, SimFault> {
    const { network, faults } = window;
    const ofNetwork = faults.filter(({ construct }) => isNetworkFault(window, construct));
    return new Map(ofNetwork.map((fault) => [this.#same.of(network, fault.construct), fault]));
  }

  #addFound(
    score: ClassScore,
    truths: ReadonlyMap<number, SimFault>,
    blames: readonly Blame[],
  ): void {
    for (const fault of truths.values()) {
      const is = (construct: number) => this.#same.isSame(construct, fault.construct);
      score.faults += 1;
      if (blames.some(({ construct }) => is(construct))) score.found += 1;
      if (blames.some(({ construct, ambiguous }) => is(construct) || ambiguous.some(is))) {
        score.foundInSet += 1;
      }
    }
  }

  #addOthers(score: ClassScore, window: SimWindow, blames: readonly Blame[]): void {
    for (const { construct } of window.faults) {
      if (isNetworkFault(window, construct)) continue;
      score.others += 1;
      // A blame of the right construct as part of the network is wrong.
      const isNamed = blames.some((blame) => blame.construct === construct && !blame.isNetwork);
      if (isNamed) score.othersNamed += 1;
    }
  }

  #addDetail(blame: Blame, truth: SimFault | undefined): void {
    const { severity, confidence, ambiguous } = blame;
    if (confidence !== undefined) {
      this.confidences.push({ confidence, isRight: truth !== undefined });
    }
    this.setSizes.push(1 + ambiguous.length);
    const isSized = truth?.share === 1 && (truth.kind === 'loss' || truth.kind === 'latency');
    if (isSized && severity !== undefined && severity > 0) {
      this.severityErrors.push(Math.abs(Math.log(severity / truth.severity)));
    }
  }

  #classOf(name: string): ClassScore {
    const known = this.classes.get(name) ?? emptyScore();
    this.classes.set(name, known);
    return known;
  }
}

export function precision({ blames, right }: ClassScore): number | undefined {
  return blames === 0 ? undefined : right / blames;
}

export function recall({ faults, found }: ClassScore): number | undefined {
  return faults === 0 ? undefined : found / faults;
}

export function f1(score: ClassScore): number {
  const { found, faults, blames, right } = score;
  const wrong = blames - right;
  const missed = faults - found;
  return found === 0 ? 0 : (2 * found) / (2 * found + wrong + missed);
}

/** A fault right after a change of routes or rules counts as configuration, not as the network. */
function isNetworkFault({ network, changed }: SimWindow, construct: number): boolean {
  const kind = network.constructs[construct]?.kind;
  return kind !== undefined && isNetwork(kind) && !changed.has(construct);
}

function emptyScore(): ClassScore {
  return {
    windows: 0,
    faults: 0,
    found: 0,
    foundInSet: 0,
    blames: 0,
    right: 0,
    wrongWindows: 0,
    others: 0,
    othersNamed: 0,
  };
}

/** Treats constructs that exactly the same cells cross as one: no method can distinguish them. */
class SameColumns {
  #network: SimNetwork | undefined;
  #first: readonly number[] = [];

  of(network: SimNetwork, construct: number): number {
    if (network !== this.#network) {
      this.#network = network;
      const seen = new Map<string, number>();
      this.#first = cellsByConstruct(network).map((cells, i) => {
        const column = cells.join(' ');
        const first = seen.get(column) ?? i;
        seen.set(column, first);
        return first;
      });
    }
    return this.#first[construct] ?? construct;
  }

  /** Whether the two constructs count as one, in the network of the last call of `of`. */
  isSame(one: number, other: number): boolean {
    return this.#first[one] === this.#first[other];
  }
}
