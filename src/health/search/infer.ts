import type { Cells } from '../cells/cells.ts';
import type { Constructs } from '../constructs/constructs.ts';
import { COLUMNS } from '../evidence/cell-state.ts';
import { CHANNELS, Evidence } from '../evidence/evidence.ts';
import type { FirstPassRow } from '../evidence/first-pass.ts';
import type { Parameters } from '../parameters.ts';
import { type Fault, Search } from './search.ts';

export interface Inference {
  readonly faults: readonly Fault[];
  /** Log e-value of each construct, given the faults that are not its own. */
  readonly lnE: Float64Array;
  /** How sure each cell is to be healthy, 0 to 1: what the window counts in its history. */
  readonly lossWeight: Float64Array;
  readonly rttWeight: Float64Array;
  readonly silenceWeight: Float64Array;
  readonly waitWeight: Float64Array;
  /** The search's evidence, for the explanation. */
  readonly evidence: Evidence;
}

/**
 * Which constructs are at fault in a window of cells. Pure: same input, same faults. Cells without
 * a history are judged by their class's, classes without one by `priorLoss`; latency only by a
 * history of its own.
 */
export function infer(cells: Cells, constructs: Constructs, parameters: Parameters): Inference {
  const evidence = new Evidence(cells, constructs.names.length, parameters);
  const faults = new Search(evidence, constructs).run();
  const lossWeight = evidence.state.lossWeight.slice();
  const rttWeight = evidence.state.rttWeight.slice();
  const silenceWeight = evidence.state.silenceWeight.slice();
  for (const { construct } of faults) {
    for (const i of evidence.cellsOf(construct)) {
      lossWeight[i] = 0;
      rttWeight[i] = 0;
      silenceWeight[i] = 0;
    }
  }
  const waitWeight = waitWeights(evidence);
  const weights = { lossWeight, rttWeight, silenceWeight, waitWeight };
  return { faults, lnE: lnEs(evidence, faults), ...weights, evidence };
}

/** The inference of a window whose first pass, done in the store, found nothing to search for. */
export function quietInference(
  none: Cells,
  {
    constructs,
    first,
  }: { readonly constructs: Constructs; readonly first: readonly FirstPassRow[] },
  parameters: Parameters,
): Inference {
  const evidence = new Evidence(none, constructs.names.length, parameters);
  for (const { construct, totals } of first) {
    if (typeof construct === 'number') evidence.totals.set(totals, construct * COLUMNS);
  }
  const { lossWeight, rttWeight, silenceWeight } = evidence.state;
  const waitWeight = waitWeights(evidence);
  const weights = { lossWeight, rttWeight, silenceWeight, waitWeight };
  return { faults: [], lnE: lnEs(evidence, []), ...weights, evidence };
}

/** What goes on for days is how things are, but it takes days. */
function waitWeights({ state }: Evidence): Float64Array {
  return Float64Array.from(state.stalled, (is) => (is === 1 ? state.p.stallWeight : 1));
}

/** Of a construct that is no fault of the window: its log e-value if its loudest cell is not heard. */
export function lnEOfOthers({ evidence }: Inference, construct: number): number {
  return lnMean(CHANNELS.map((channel) => evidence.lnEOfOthers(construct, channel)));
}

/** The mean of e-values is one. */
function lnMean(each: readonly number[]): number {
  const max = Math.max(...each);
  const sum = each.reduce((total, nats) => total + Math.exp(nats - max), 0);
  return max + Math.log(sum / each.length);
}

/** Over all channels: the mean of e-values is one. */
function lnEs(evidence: Evidence, faults: readonly Fault[]): Float64Array {
  const lnE = new Float64Array(evidence.constructs);
  for (let c = 0; c < evidence.constructs; c += 1) {
    const each = CHANNELS.map(
      (channel) =>
        faults.find((fault) => fault.construct === c && fault.channel === channel)?.lnE ??
        evidence.lnE(c, channel),
    );
    lnE[c] = lnMean(each);
  }
  return lnE;
}
