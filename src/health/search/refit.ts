import type { FaultChannel } from '../../model/health.ts';
import type { Severity } from '../channels/channel.ts';
import { CHANNELS, WIDTH } from '../channels/registry.ts';
import { type Evidence, severityOf } from '../evidence/evidence.ts';

export interface FittedSeverity extends Severity {
  readonly interval90: readonly [number, number];
}

/** Sizes tried between the next lower step of the grid and its next higher one. */
const STEPS = 32;
/** The steps of the grids are a factor of 2 to 3.3 apart. */
const REACH = 3.4;
/**
 * The 90% interval holds the sizes whose log likelihood is at most this far below the maximum: half
 * of the 90% quantile of chi-squared with one degree of freedom.
 */
const FALL = 1.353;
/** Beyond this many cells a sample is fitted, which is precise enough for a displayed size. */
const MAX_CELLS = 2_000;

/**
 * Fits the severity of a fault, given the other faults: tries a fine grid around the best column.
 */
export function refit(
  evidence: Evidence,
  construct: number,
  { channel, column }: { readonly channel: FaultChannel; readonly column: number },
): FittedSeverity {
  const { shape, size: coarse } = severityOf(channel, column);
  const isShare = CHANNELS[channel].isShare(shape);
  const sizes = Array.from(
    { length: STEPS + 1 },
    (_, step) => (coarse / REACH) * REACH ** ((2 * step) / STEPS),
  ).filter((size) => size < 1 || !isShare);
  const sums = sizes.map((size) => natsOf(evidence, construct, { channel, shape, size }));
  const max = Math.max(...sums);
  const within = sizes.filter((_, step) => (sums[step] ?? 0) >= max - FALL);
  return {
    shape,
    size: sizes[sums.indexOf(max)] ?? coarse,
    interval90: [within[0] ?? coarse, within.at(-1) ?? coarse],
  };
}

/**
 * The evidence of a construct's cells for a severity, estimated from a sample if there are many.
 */
function natsOf(
  evidence: Evidence,
  construct: number,
  { channel, ...severity }: Severity & { readonly channel: FaultChannel },
): number {
  const judge = evidence.of[channel];
  const cells = evidence.cellsOf(construct);
  const stride = Math.max(1, Math.ceil(cells.length / MAX_CELLS));
  let sum = 0;
  for (let j = 0; j < cells.length; j += stride) sum += judge.nats(cells[j] ?? 0, severity);
  return sum * stride;
}

/** The local hosts and the remotes of a construct with at least a nat of evidence in a column. */
export function breadthOf(
  evidence: Evidence,
  construct: number,
  column: number,
): { readonly hosts: number; readonly remotes: number } {
  const { cells, rows } = evidence;
  const hosts = new Map<number, number>();
  const remotes = new Map<number, number>();
  for (const i of evidence.cellsOf(construct)) {
    const nats = rows[i * WIDTH + column] ?? 0;
    const host = cells.host[i] ?? 0;
    const remote = cells.remote[i] ?? 0;
    hosts.set(host, (hosts.get(host) ?? 0) + nats);
    remotes.set(remote, (remotes.get(remote) ?? 0) + nats);
  }
  const atLeastOne = (sums: Map<number, number>) =>
    [...sums.values()].filter((nats) => nats >= 1).length;
  return { hosts: atLeastOne(hosts), remotes: atLeastOne(remotes) };
}
