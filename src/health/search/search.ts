import { brokenColumn } from '../channels/loss.ts';
import { classOf } from '../constructs/construct-class.ts';
import type { Constructs } from '../constructs/constructs.ts';
import { COLUMNS } from '../evidence/cell-state.ts';
import { CHANNELS, type Channel, type Evidence, RULES } from '../evidence/evidence.ts';
import { breadthOf, refit, type Severity } from './refit.ts';

/** A construct that explains what a window shows better than anything else. */
export interface Fault extends Severity {
  readonly construct: number;
  readonly channel: Channel;
  /** Its best column of evidence. */
  readonly column: number;
  /** Log of its e-value given the other faults, and of its posterior odds. Nats. */
  readonly lnE: number;
  readonly score: number;
  /** Others that would explain it nearly as well, and by how much less. Nats. */
  readonly ambiguous: readonly { readonly construct: number; readonly nats: number }[];
  /** What else most of its cells traverse. */
  readonly rivals: readonly Rival[];
  /** Local hosts and remotes with at least a nat of evidence each. */
  readonly hosts: number;
  readonly remotes: number;
  /** Share of its cells with evidence for it. */
  readonly affected: number;
}

/** Another construct that was considered: how much worse it explains the same, and why. */
export interface Rival {
  readonly construct: number;
  readonly nats: number;
  readonly cells: number;
  readonly healthyCells: number;
}

const MAX_RIVALS = 3;
/** What was added and taken out again leaves a rounding error. */
const ROUNDING = 1e-9;

interface Candidate {
  readonly construct: number;
  readonly channel: Channel;
  readonly score: number;
}

type Accepted = Candidate & Severity;

/**
 * The set of faults that explains a window: the best construct is taken, its severity fitted, and
 * what it explains taken out of the evidence, until nothing scores. After each, faults that share
 * cells with it are taken out again and replaced by what is better now: where constructs overlap,
 * the first choice is often too large. In the end each is judged given the rest.
 */
export class Search {
  readonly #evidence: Evidence;
  readonly #constructs: Constructs;
  readonly #lnPrior: Float64Array;
  readonly #faults: Accepted[] = [];

  constructor(evidence: Evidence, constructs: Constructs) {
    this.#evidence = evidence;
    this.#constructs = constructs;
    this.#lnPrior = Float64Array.from(constructs.classes, (name, c) => {
      if (constructs.eligible[c] === 0) return Number.NEGATIVE_INFINITY;
      const { limitedHostPrior, alarmedPrior } = evidence.state.p;
      if (constructs.alarmed[c] === 1) return lnOdds(alarmedPrior);
      return lnOdds(constructs.limited[c] === 1 ? limitedHostPrior : classOf(name).prior);
    });
  }

  run(): Fault[] {
    const { p } = this.#evidence.state;
    const hosts = this.#constructs.classes.filter((name) => name === 'host').length;
    const maxFaults = Math.max(p.maxFaults, Math.ceil(hosts * p.maxFaultsPerHost));
    while (this.#faults.length < maxFaults) {
      const best = this.#best();
      if (best === undefined || best.score < p.accept) break;
      this.#swap(this.#accept(best));
    }
    return this.#judge();
  }

  #accept(candidate: Candidate): Accepted {
    const { construct, channel } = candidate;
    const column = this.#evidence.bestColumn(construct, channel);
    const fault = { ...candidate, ...refit(this.#evidence, construct, { channel, column }) };
    this.#explain(fault, 1);
    this.#faults.push(fault);
    return fault;
  }

  #remove(fault: Accepted): void {
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    this.#explain(fault, -1);
  }

  /** Adds a fault to what is explained of its cells, or takes it out again. */
  #explain({ construct, channel, shape, size }: Accepted, sign: 1 | -1): void {
    const { state } = this.#evidence;
    const { p } = state;
    const cells = this.#evidence.cellsOf(construct);
    const isShare = channel === 'loss' && shape === 'fraction';
    const broken = isShare && sign === 1 ? brokenColumn(state, cells) : -1;
    for (const i of cells) {
      if (channel === 'latency') (state.shift[i] as number) += sign * size;
      else if (channel === 'dead') {
        (state.living[i] as number) *= (1 - p.deadGivenFault * size) ** sign;
      } else if (channel === 'connect') {
        state.silenceExcess[i] = combined(state.silenceExcess[i] as number, size, sign);
      } else if (isShare) {
        (state.sound[i] as number) *= (1 - size) ** sign;
        state.brokenAt[i] = broken;
      }
      // What was added and taken out again leaves a rounding error, perhaps below 0.
      else state.excess[i] = Math.max(0, (state.excess[i] as number) + sign * size);
    }
    this.#evidence.refresh(construct, channel);
  }

  #swap(added: Accepted): void {
    const crossed = new Set<number>();
    for (const i of this.#evidence.cellsOf(added.construct)) crossed.add(i);
    for (const fault of [...this.#faults]) {
      if (fault === added || fault.channel !== added.channel) continue;
      if (!this.#evidence.cellsOf(fault.construct).some((i) => crossed.has(i))) continue;
      this.#remove(fault);
      const best = this.#best();
      if (best !== undefined && best.score >= this.#evidence.state.p.accept) this.#accept(best);
    }
  }

  /** Each fault given the others; those that do not hold are dropped. */
  #judge(): Fault[] {
    const { p } = this.#evidence.state;
    const judged: Fault[] = [];
    for (const fault of [...this.#faults]) {
      this.#remove(fault);
      const { construct, channel } = fault;
      const score = this.#score(construct, channel);
      if (score < p.accept) continue;
      const column = this.#evidence.bestColumn(construct, channel);
      const cellsOf = this.#evidence.cellsOf(construct);
      const kept = {
        lnE: this.#evidence.lnE(construct, channel),
        score,
        column,
        ambiguous: this.#nearlyAsGood(fault, score),
        rivals: this.#rivals(fault, { score, column }),
        affected: 1 - healthyCells(this.#evidence, construct, column) / cellsOf.length,
        ...breadthOf({ state: this.#evidence.state, cellsOf }, column),
      };
      judged.push({ ...this.#accept({ construct, channel, score }), ...kept });
    }
    return judged;
  }

  #nearlyAsGood({ construct, channel }: Candidate, score: number): Fault['ambiguous'] {
    const { ambiguity } = this.#evidence.state.p;
    const found: { construct: number; nats: number }[] = [];
    for (let c = 0; c < this.#evidence.constructs; c += 1) {
      if (c === construct || this.#cannotReach(c, channel, score - ambiguity)) continue;
      const nats = score - this.#score(c, channel);
      if (nats <= ambiguity) found.push({ construct: c, nats });
    }
    return found.sort((a, b) => a.nats - b.nats);
  }

  /** Those that most of the fault's cells share. */
  #rivals(
    { construct, channel }: Candidate,
    { score, column }: { readonly score: number; readonly column: number },
  ): Rival[] {
    const { cells } = this.#evidence.state;
    const own = this.#evidence.cellsOf(construct);
    const shared = new Map<number, number>();
    for (const i of own) {
      for (const c of cells.path.subarray(cells.pathStart[i], cells.pathStart[i + 1])) {
        if (c !== construct) shared.set(c, (shared.get(c) ?? 0) + 1);
      }
    }
    return [...shared]
      .filter(([, count]) => count * 2 >= own.length)
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_RIVALS)
      .map(([c]) => ({
        construct: c,
        nats: this.#score(c, channel) - score,
        cells: this.#evidence.cellsOf(c).length,
        healthyCells: healthyCells(this.#evidence, c, column),
      }));
  }

  #best(): Candidate | undefined {
    let best: Candidate | undefined;
    let min: number = this.#evidence.state.p.accept;
    for (let construct = 0; construct < this.#evidence.constructs; construct += 1) {
      for (const channel of CHANNELS) {
        if (this.#cannotReach(construct, channel, min)) continue;
        const score = this.#score(construct, channel);
        if (score <= (best?.score ?? Number.NEGATIVE_INFINITY)) continue;
        best = { construct, channel, score };
        min = Math.max(min, score);
      }
    }
    return best;
  }

  /** Cheaper than the score, which is at most this. */
  #cannotReach(construct: number, channel: Channel, min: number): boolean {
    const { totals } = this.#evidence;
    const { from, to } = RULES[channel];
    const max = min - this.#prior(construct, channel);
    for (let k = construct * COLUMNS + from; k < construct * COLUMNS + to; k += 1) {
      if ((totals[k] as number) >= max) return false;
    }
    return true;
  }

  #score(construct: number, channel: Channel): number {
    return this.#evidence.lnE(construct, channel) + this.#prior(construct, channel);
  }

  #prior(construct: number, channel: Channel): number {
    const prior = this.#lnPrior[construct] as number;
    const own = this.#faults.filter((fault) => fault.construct === construct);
    if (own.length === 0) return prior;
    // One severity a channel: it was fitted.
    if (own.some((fault) => fault.channel === channel)) return Number.NEGATIVE_INFINITY;
    return Math.max(prior, lnOdds(this.#evidence.state.p.secondChannelPrior));
  }
}

/** Shares of attempts lost one after the other; `sign` -1 takes one out again. */
function combined(before: number, size: number, sign: 1 | -1): number {
  const share = 1 - (1 - before) * (1 - size) ** sign;
  return share < ROUNDING ? 0 : share;
}

function healthyCells(evidence: Evidence, construct: number, column: number): number {
  const { rows } = evidence.state;
  let healthy = 0;
  for (const i of evidence.cellsOf(construct)) {
    if ((rows[i * COLUMNS + column] as number) <= 0) healthy += 1;
  }
  return healthy;
}

function lnOdds(probability: number): number {
  return Math.log(probability / (1 - probability));
}
