import { addValues, emptyValues } from '../../model/flow-metrics.ts';
import type { Remainder, ReportedFlow } from '../../model/report.ts';
import { rankOf } from './flow-rank.ts';
import { hintOf, type TakenFlows } from './flow-table.ts';

/** Keeps the `limit` flows with most loss, or more bytes if equal, and adds up the rest. */
export function topFlows({ flows, remainders }: TakenFlows, limit: number): TakenFlows {
  if (flows.length <= limit) return { flows, remainders };
  const ranked = flows.map((flow) => ({ flow, ...rankOf(flow.values) }));
  ranked.sort((a, b) => b.loss - a.loss || b.bytes - a.bytes);
  const sorted = ranked.map(({ flow }) => flow);
  return { flows: sorted.slice(0, limit), remainders: addUp(sorted.slice(limit), remainders) };
}

function addUp(flows: readonly ReportedFlow[], before: readonly Remainder[]): readonly Remainder[] {
  const remainders = new Map<string, { -readonly [name in keyof Remainder]: Remainder[name] }>();
  for (const remainder of before) {
    remainders.set(`${remainder.side} ${remainder.hint}`, { ...remainder });
  }
  for (const flow of flows) {
    const { side } = flow;
    const hint = hintOf(flow);
    const key = `${side} ${hint}`;
    const known = remainders.get(key) ?? { side, hint, flows: 0, values: emptyValues() };
    remainders.set(key, known);
    known.flows += 1;
    addValues(known.values, flow.values);
  }
  return [...remainders.values()];
}
