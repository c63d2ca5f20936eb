import { addressScope } from '../../model/address.ts';
import { addValues, emptyValues, plainIndex } from '../../model/flow-metrics.ts';
import type { CategoryHint, Remainder, ReportedFlow } from '../../model/report.ts';

const RETRANS = plainIndex('retrans_syn');
const RTOS = plainIndex('rtos_syn');
const SEVERED_CONNECT = plainIndex('severed_connect');
const SEVERED_ESTABLISH = plainIndex('severed_establish');
const RECEIVED = plainIndex('bytes_received');
const DELIVERED = plainIndex('bytes_delivered');

/** The existing agent's measure: retransmissions, timeouts twice, severed connections four times. */
export function lossOf({ values }: ReportedFlow): number {
  // What is not known (NaN) is no loss.
  const at = (index: number): number => values[index] || 0;
  const retrans = at(RETRANS) + at(RETRANS + 1) + at(RETRANS + 2);
  const rtos = at(RTOS) + at(RTOS + 1) + at(RTOS + 2);
  return retrans + 2 * rtos + 4 * (at(SEVERED_CONNECT) + at(SEVERED_ESTABLISH));
}

export interface CutFlows {
  readonly flows: readonly ReportedFlow[];
  readonly remainders: readonly Remainder[];
}

/** The `limit` flows that lost most, of equals those with more bytes; and the rest, added up. */
export function topFlows(flows: readonly ReportedFlow[], limit: number): CutFlows {
  if (flows.length <= limit) return { flows, remainders: [] };
  const ranked = flows.map((flow) => ({ flow, loss: lossOf(flow), bytes: bytesOf(flow.values) }));
  ranked.sort((a, b) => b.loss - a.loss || b.bytes - a.bytes);
  const sorted = ranked.map(({ flow }) => flow);
  return { flows: sorted.slice(0, limit), remainders: addUp(sorted.slice(limit)) };
}

/** Bytes received and delivered. */
export function bytesOf(values: Float64Array): number {
  return (values[RECEIVED] ?? 0) + (values[DELIVERED] ?? 0);
}

function addUp(flows: readonly ReportedFlow[]): readonly Remainder[] {
  const remainders = new Map<string, { -readonly [name in keyof Remainder]: Remainder[name] }>();
  for (const { side, remoteAddress, dnatAddress, values } of flows) {
    const hint = hintOf(dnatAddress ?? remoteAddress);
    const key = `${side} ${hint}`;
    const known = remainders.get(key) ?? { side, hint, flows: 0, values: emptyValues() };
    remainders.set(key, known);
    known.flows += 1;
    addValues(known.values, values);
  }
  return [...remainders.values()];
}

function hintOf(address: string): CategoryHint {
  const scope = addressScope(address);
  return scope === 'loopback' || scope === 'global' ? scope : 'private';
}
