import { connectNats } from '../channels/connect.ts';
import { deadNats } from '../channels/dead.ts';
import { latencyNats } from '../channels/latency.ts';
import { lossFractionNats, lossNats } from '../channels/loss.ts';
import { type CellState, COLUMNS } from '../evidence/cell-state.ts';
import type { Channel, Evidence } from '../evidence/evidence.ts';

export interface Severity {
  readonly shape: 'uniform' | 'fraction';
  readonly size: number;
  readonly interval90: readonly [number, number];
}

/** A size is tried from the grid's next lower step to its next higher one, in so many steps. */
const STEPS = 32;
/** Steps of the grids are a factor of 2 to 3.3 apart. */
const REACH = 3.4;
/** Half of the 90% quantile of chi-squared with one degree: what a profile likelihood may fall. */
const FALL = 1.353;
/** More cells tell no more of a size that is to be read by people. */
const MAX_CELLS = 2_000;

/** How severe a fault is, given what else is explained: a fine grid about the best coarse step. */
export function refit(
  evidence: Evidence,
  construct: number,
  { channel, column }: { readonly channel: Channel; readonly column: number },
): Severity {
  const { shape, size: coarse } = evidence.coarseSeverity(channel, column);
  const sizes = Array.from(
    { length: STEPS + 1 },
    (_, step) => (coarse / REACH) * REACH ** ((2 * step) / STEPS),
  ).filter((size) => size < 1 || (shape === 'uniform' && channel !== 'connect'));
  const sums = sumsOf(evidence, construct, { sizes, nats: natsOf(channel, shape) });
  const max = Math.max(...sums);
  const within = sizes.filter((_, step) => (sums[step] as number) >= max - FALL);
  return {
    shape,
    size: sizes[sums.indexOf(max)] ?? coarse,
    interval90: [within[0] ?? coarse, within.at(-1) ?? coarse],
  };
}

type Nats = (state: CellState, cell: number, size: number) => number;

function natsOf(channel: Channel, shape: Severity['shape']): Nats {
  if (channel === 'latency') return latencyNats;
  if (channel === 'dead') return deadNats;
  if (channel === 'connect') return connectNats;
  return shape === 'uniform' ? lossNats : lossFractionNats;
}

/** The evidence of a construct's cells for each size. */
function sumsOf(
  evidence: Evidence,
  construct: number,
  { sizes, nats }: { readonly sizes: readonly number[]; readonly nats: Nats },
): number[] {
  const { state } = evidence;
  const cells = evidence.cellsOf(construct);
  const stride = Math.max(1, Math.ceil(cells.length / MAX_CELLS));
  return sizes.map((size) => {
    let sum = 0;
    for (let j = 0; j < cells.length; j += stride) sum += nats(state, cells[j] as number, size);
    return sum * stride;
  });
}

/** Local hosts and remotes of a construct with at least a nat of evidence each, in a column. */
export function breadthOf(
  { state, cellsOf }: { readonly state: Evidence['state']; readonly cellsOf: Uint32Array },
  column: number,
): { readonly hosts: number; readonly remotes: number } {
  const hosts = new Map<number, number>();
  const remotes = new Map<number, number>();
  for (const i of cellsOf) {
    const nats = state.rows[i * COLUMNS + column] as number;
    const host = state.cells.host[i] as number;
    const remote = state.cells.remote[i] as number;
    hosts.set(host, (hosts.get(host) ?? 0) + nats);
    remotes.set(remote, (remotes.get(remote) ?? 0) + nats);
  }
  const atLeastOne = (sums: Map<number, number>) =>
    [...sums.values()].filter((nats) => nats >= 1).length;
  return { hosts: atLeastOne(hosts), remotes: atLeastOne(remotes) };
}
