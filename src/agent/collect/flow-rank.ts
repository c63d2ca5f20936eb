import { plainIndex } from '../../model/flow-metrics.ts';

const RETRANS = plainIndex('retrans_syn');
const RTOS = plainIndex('rtos_syn');
const SEVERED_CONNECT = plainIndex('severed_connect');
const SEVERED_ESTABLISH = plainIndex('severed_establish');
const RECEIVED = plainIndex('bytes_received');
const DELIVERED = plainIndex('bytes_delivered');

/** The order of flows: by loss, and by bytes if the loss is equal. */
export interface FlowRank {
  readonly loss: number;
  readonly bytes: number;
}

export function rankOf(values: Float64Array): FlowRank {
  return { loss: lossOf(values), bytes: bytesOf(values) };
}

/** The existing agent's measure: retransmissions + 2 × timeouts + 4 × severed connections. */
function lossOf(values: Float64Array): number {
  // An unknown value (NaN) counts as no loss.
  const at = (index: number): number => values[index] || 0;
  const retrans = at(RETRANS) + at(RETRANS + 1) + at(RETRANS + 2);
  const rtos = at(RTOS) + at(RTOS + 1) + at(RTOS + 2);
  return retrans + 2 * rtos + 4 * (at(SEVERED_CONNECT) + at(SEVERED_ESTABLISH));
}

/** Bytes received and delivered. */
export function bytesOf(values: Float64Array): number {
  return (values[RECEIVED] ?? 0) + (values[DELIVERED] ?? 0);
}
