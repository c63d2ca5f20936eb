import { plainIndex } from '../../model/flow-metrics.ts';
import type { ReportedFlow } from '../../model/report.ts';

const RETRANS = plainIndex('retrans_syn');
const RTOS = plainIndex('rtos_syn');
const SEVERED_CONNECT = plainIndex('severed_connect');
const SEVERED_ESTABLISH = plainIndex('severed_establish');
const RECEIVED = plainIndex('bytes_received');
const DELIVERED = plainIndex('bytes_delivered');

/** The existing agent's measure: retransmissions, timeouts twice, severed connections four times. */
export function lossOf({ values }: ReportedFlow): number {
  const at = (index: number): number => values[index] ?? 0;
  const retrans = at(RETRANS) + at(RETRANS + 1) + at(RETRANS + 2);
  const rtos = at(RTOS) + at(RTOS + 1) + at(RTOS + 2);
  return retrans + 2 * rtos + 4 * (at(SEVERED_CONNECT) + at(SEVERED_ESTABLISH));
}

/** The `limit` flows that lost most; of equals those with more bytes. */
export function topFlows(flows: readonly ReportedFlow[], limit: number): readonly ReportedFlow[] {
  if (flows.length <= limit) return flows;
  const ranked = flows.map((flow) => ({
    flow,
    loss: lossOf(flow),
    bytes: (flow.values[RECEIVED] ?? 0) + (flow.values[DELIVERED] ?? 0),
  }));
  ranked.sort((a, b) => b.loss - a.loss || b.bytes - a.bytes);
  return ranked.slice(0, limit).map(({ flow }) => flow);
}
