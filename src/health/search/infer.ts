import { FAULT_CHANNELS } from '../../model/health.ts';
import { type Cells, WIDTH } from '../channels/registry.ts';
import type { Constructs } from '../constructs/constructs.ts';
import { Evidence } from '../evidence/evidence.ts';
import type { FirstPassRow } from '../evidence/first-pass.ts';
import type { Parameters } from '../parameters.ts';
import { type Fault, Search } from './search.ts';

export interface Inference {
  readonly faults: readonly Fault[];
  /** Log e-value of each construct, given the faults of the others. */
  readonly lnE: Float64Array;
  /** The evidence given all faults. */
  readonly evidence: Evidence;
}

/**
 * Finds the constructs at fault in a window of cells. Pure: the same input gives the same faults. A
 * cell without a history has the baseline of its class. A class without a history has the baseline
 * of the prior. Latency is judged only in cells with a history of their own.
 */
export function infer(cells: Cells, constructs: Constructs, p: Parameters): Inference {
  const evidence = new Evidence(cells, constructs.names.length, p);
  const faults = new Search(evidence, constructs).run();
  return { faults, lnE: lnEs(evidence, faults), evidence };
}

/** The inference of a window that needs no search after the first pass in the store. */
export function quietInference(
  none: Cells,
  window: { readonly constructs: Constructs; readonly first: readonly FirstPassRow[] },
  p: Parameters,
): Inference {
  const evidence = new Evidence(none, window.constructs.names.length, p);
  for (const { construct, totals } of window.first) {
    if (typeof construct === 'number') evidence.totals.set(totals, construct * WIDTH);
  }
  return { faults: [], lnE: lnEs(evidence, []), evidence };
}

/** The log e-value of a construct without its cell of most evidence. */
export function lnEOfOthers({ evidence }: Inference, construct: number): number {
  return lnMean(FAULT_CHANNELS.map((channel) => evidence.lnEOfOthers(construct, channel)));
}

/** The mean of e-values is an e-value. */
function lnMean(each: readonly number[]): number {
  const max = Math.max(...each);
  const sum = each.reduce((total, nats) => total + Math.exp(nats - max), 0);
  return max + Math.log(sum / each.length);
}

/** The mean over all channels, for each construct. */
function lnEs(evidence: Evidence, faults: readonly Fault[]): Float64Array {
  return Float64Array.from({ length: evidence.constructs }, (_, c) => {
    const own = faults.filter(({ construct }) => construct === c);
    return lnMean(
      FAULT_CHANNELS.map(
        (channel) =>
          own.find((fault) => fault.channel === channel)?.lnE ?? evidence.lnE(c, channel),
      ),
    );
  });
}
