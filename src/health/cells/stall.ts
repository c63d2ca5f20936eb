import type { Parameters } from '../parameters.ts';
import type { Cells } from './cells.ts';

/** Whether these senders are kept waiting by their receiver, where it was not so before. */
export function isStall(
  now: { readonly busyMicros: number; readonly rwndLimitedMicros: number },
  before: { readonly busyMicros: number; readonly rwndLimitedMicros: number },
  p: Parameters,
): boolean {
  return (
    now.busyMicros > 0 &&
    now.rwndLimitedMicros >= p.stallShare * now.busyMicros &&
    before.busyMicros > 0 &&
    before.rwndLimitedMicros <= p.stallUsualShare * before.busyMicros
  );
}

/**
 * Whether a cell's receiver keeps it waiting. Its round trips are the receiver's then. Bulk transfers
 * with a small window always wait for it, so only a cell with a history of not waiting is stalled.
 */
export function isStalled(
  { busyMicros, rwndLimitedMicros, history }: Cells,
  i: number,
  p: Parameters,
) {
  return isStall(
    {
      busyMicros: busyMicros[i] as number,
      rwndLimitedMicros: rwndLimitedMicros[i] as number,
    },
    {
      busyMicros: history.busyMicros[i] as number,
      rwndLimitedMicros: history.rwndLimitedMicros[i] as number,
    },
    p,
  );
}

/** Remote ends that keep those who send to them waiting, all of their cells taken together. */
export function stalledRemotes(cells: Cells, p: Parameters): number[] {
  const sums = new Map<number, { now: Waited; before: Waited }>();
  for (let i = 0; i < cells.length; i += 1) {
    const { history } = cells;
    if (!((cells.busyMicros[i] as number) > 0 && (history.busyMicros[i] as number) > 0)) continue;
    const remote = cells.remote[i] as number;
    const sum = sums.get(remote) ?? { now: waited(), before: waited() };
    sums.set(remote, sum);
    sum.now.busyMicros += cells.busyMicros[i] as number;
    sum.now.rwndLimitedMicros += cells.rwndLimitedMicros[i] as number;
    sum.before.busyMicros += history.busyMicros[i] as number;
    sum.before.rwndLimitedMicros += history.rwndLimitedMicros[i] as number;
  }
  return [...sums]
    .filter(([, { now, before }]) => now.busyMicros >= p.stallMinMicros && isStall(now, before, p))
    .map(([remote]) => remote);
}

interface Waited {
  busyMicros: number;
  rwndLimitedMicros: number;
}

function waited(): Waited {
  return { busyMicros: 0, rwndLimitedMicros: 0 };
}
