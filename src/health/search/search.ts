import { FAULT_CHANNELS, type FaultChannel } from '../../model/health.ts';
import { PLACES, WIDTH } from '../channels/registry.ts';
import { classOf } from '../constructs/construct-class.ts';
import { type Constructs, LIMITED } from '../constructs/constructs.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { lnOdds } from '../nats.ts';
import { breadthOf, type FittedSeverity, refit } from './refit.ts';

/** A construct that explains a part of the window better than any other. */
export interface Fault extends FittedSeverity {
  readonly construct: number;
  readonly channel: FaultChannel;
  /** Its best column of evidence. */
  readonly column: number;
  /** Log of its e-value given the other faults, and of its posterior odds. Nats. */
  readonly lnE: number;
  readonly score: number;
  /** Constructs that explain it nearly as well, and by how many nats less. */
  readonly ambiguous: readonly { readonly construct: number; readonly nats: number }[];
  /** Constructs that most of its cells traverse too. */
  readonly rivals: readonly Rival[];
  /** Local hosts and remotes with at least a nat of evidence each. */
  readonly hosts: number;
  readonly remotes: number;
  /** The share of its cells with evidence for it. */
  readonly affected: number;
}

/** Another construct that was considered. `nats` is its score minus that of the fault. */
export interface Rival {
  readonly construct: number;
  readonly nats: number;
  readonly cells: number;
  readonly healthyCells: number;
}

const MAX_RIVALS = 3;

interface Candidate {
  readonly construct: number;
  readonly channel: FaultChannel;
  readonly score: number;
}

type Accepted = Candidate & FittedSeverity;

/**
 * Finds the set of faults that explains a window. It takes the best construct, fits the severity,
 * removes what the fault explains from the evidence, and repeats until nothing scores. After each
 * fault it removes those that share cells with it, one by one, and takes the best construct again:
 * where constructs overlap, the first choice is often too large. At the end it judges each fault
 * given the others.
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
      const { limitedHostPrior, alarmedPrior } = evidence.p;
      if (constructs.alarmed[c] === 1) return lnOdds(alarmedPrior);
      return lnOdds(constructs.limited[c] === LIMITED ? limitedHostPrior : classOf(name).prior);
    });
  }

  run(): Fault[] {
    const { p } = this.#evidence;
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
    this.#evidence.explain(construct, fault, 1);
    this.#faults.push(fault);
    return fault;
  }

  #remove(fault: Accepted): void {
    this.#faults.splice(this.#faults.indexOf(fault), 1);
    this.#evidence.explain(fault.construct, fault, -1);
  }

  #swap(added: Accepted): void {
    const crossed = new Set(this.#evidence.cellsOf(added.construct));
    for (const fault of [...this.#faults]) {
      if (fault === added || fault.channel !== added.channel) continue;
      if (!this.#evidence.cellsOf(fault.construct).some((i) => crossed.has(i))) continue;
      this.#remove(fault);
      const best = this.#best();
      if (best !== undefined && best.score >= this.#evidence.p.accept) this.#accept(best);
    }
  }

  /** Judges each fault given the others, and drops those that no longer score. */
  #judge(): Fault[] {
    const { p } = this.#evidence;
    const judged: Fault[] = [];
    for (const fault of [...this.#faults]) {
      this.#remove(fault);
      const { construct, channel } = fault;
      const score = this.#score(construct, channel);
      if (score < p.accept) continue;
      const column = this.#evidence.bestColumn(construct, channel);
      const kept = {
        lnE: this.#evidence.lnE(construct, channel),
        score,
        column,
        ambiguous: this.#nearlyAsGood(fault, score),
        rivals: this.#rivals(fault, { score, column }),
        affected: 1 - healthyShare(this.#evidence, construct, column),
        ...breadthOf(this.#evidence, construct, column),
      };
      judged.push({ ...this.#accept({ construct, channel, score }), ...kept });
    }
    return judged;
  }

  #nearlyAsGood({ construct, channel }: Candidate, score: number): Fault['ambiguous'] {
    const { ambiguity } = this.#evidence.p;
    const found: { construct: number; nats: number }[] = [];
    for (let c = 0; c < this.#evidence.constructs; c += 1) {
      if (c === construct || this.#cannotReach(c, channel, score - ambiguity)) continue;
      const nats = score - this.#score(c, channel);
      if (nats <= ambiguity) found.push({ construct: c, nats });
    }
    return found.sort((a, b) => a.nats - b.nats);
  }

  /** The constructs that most of the fault's cells traverse. */
  #rivals(
    { construct, channel }: Candidate,
    { score, column }: { readonly score: number; readonly column: number },
  ): Rival[] {
    const { cells } = this.#evidence;
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
    let min: number = this.#evidence.p.accept;
    for (let construct = 0; construct < this.#evidence.constructs; construct += 1) {
      for (const channel of FAULT_CHANNELS) {
        if (this.#cannotReach(construct, channel, min)) continue;
        const score = this.#score(construct, channel);
        if (score <= (best?.score ?? Number.NEGATIVE_INFINITY)) continue;
        best = { construct, channel, score };
        min = Math.max(min, score);
      }
    }
    return best;
  }

  /** A cheap upper bound of the score: its best column. */
  #cannotReach(construct: number, channel: FaultChannel, min: number): boolean {
    const { totals } = this.#evidence;
    const { from, to } = PLACES[channel];
    const max = min - this.#prior(construct, channel);
    for (let k = construct * WIDTH + from; k < construct * WIDTH + to; k += 1) {
      if ((totals[k] ?? 0) >= max) return false;
    }
    return true;
  }

  #score(construct: number, channel: FaultChannel): number {
    return this.#evidence.lnE(construct, channel) + this.#prior(construct, channel);
  }

  #prior(construct: number, channel: FaultChannel): number {
    const prior = this.#lnPrior[construct] ?? 0;
    const own = this.#faults.filter((fault) => fault.construct === construct);
    if (own.length === 0) return prior;
    // The severity of a channel is fitted once per construct, so the channel cannot score again.
    if (own.some((fault) => fault.channel === channel)) return Number.NEGATIVE_INFINITY;
    return Math.max(prior, lnOdds(this.#evidence.p.secondChannelPrior));
  }
}

function healthyShare(evidence: Evidence, construct: number, column: number): number {
  return healthyCells(evidence, construct, column) / evidence.cellsOf(construct).length;
}

/** Cells of a construct without evidence for a fault in this column. */
function healthyCells(evidence: Evidence, construct: number, column: number): number {
  let healthy = 0;
  for (const i of evidence.cellsOf(construct)) {
    if ((evidence.rows[i * WIDTH + column] ?? 0) <= 0) healthy += 1;
  }
  return healthy;
}
