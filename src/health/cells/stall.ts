import { param, type SqlFragment, sql } from '../../store/sql.ts';
import type { Parameters } from '../parameters.ts';
import { cellColumns } from './cell-columns.ts';
import type { CellsWith } from './cells.ts';

/** Microseconds with data to send, and those of them in which the receiver's window was full. */
interface Waited {
  readonly busyMicros: number;
  readonly rwndLimitedMicros: number;
}

export const WAIT_COLUMNS = cellColumns({
  counts: {
    busyMicros: { column: 'busy', sql: sql`toFloat64(ifNull(sum(busy_us), 0))` },
    rwndLimitedMicros: {
      column: 'rwnd_limited',
      sql: sql`toFloat64(ifNull(sum(rwnd_limited_us), 0))`,
    },
  },
  history: {
    busyMicros: { column: 'busy', sql: sql`busy`, amount: (of) => of('busyMicros') },
    rwndLimitedMicros: {
      column: 'limited',
      sql: sql`rwnd_limited`,
      amount: (of) => of('rwndLimitedMicros'),
    },
  },
});

type WaitCells = CellsWith<typeof WAIT_COLUMNS>;

/** Whether the receiver's window was full for at least `stallShare` of the busy time. */
export function isWaiting({ busyMicros, rwndLimitedMicros }: Waited, p: Parameters): boolean {
  return busyMicros > 0 && rwndLimitedMicros >= p.stallShare * busyMicros;
}

/** The same rule as `isWaiting`. */
export function waitingSql(p: Parameters): SqlFragment {
  return sql`busy > 0 AND rwnd_limited >= ${param('Float64', p.stallShare)} * busy`;
}

/** The same rule as `isStall`, for one cell. */
export function stalledSql(p: Parameters): SqlFragment {
  return sql`${waitingSql(p)} AND h_busy > 0 AND h_limited <= ${param('Float64', p.stallUsualShare)} * h_busy`;
}

/** Whether the receiver's window is full now and was rarely full before. */
function isStall(now: Waited, before: Waited, p: Parameters): boolean {
  return (
    isWaiting(now, p) &&
    before.busyMicros > 0 &&
    before.rwndLimitedMicros <= p.stallUsualShare * before.busyMicros
  );
}

/**
 * 1 for each stalled cell: its round-trip times depend on the receiver, not on the network. Bulk
 * transfers with a small window always wait, so a cell counts as stalled only if it waited little
 * in its history.
 */
export function stalledCells(cells: WaitCells, p: Parameters): Uint8Array {
  return Uint8Array.from({ length: cells.length }, (_, i) =>
    Number(isStall(waitedAt(cells, i), waitedAt(cells.history, i), p)),
  );
}

/** Weight of each cell's waiting time in its history: a stall becomes the baseline only after days. */
export function waitWeights(stalled: Uint8Array, p: Parameters): Float64Array {
  return Float64Array.from(stalled, (is) => (is === 1 ? p.stallWeight : 1));
}

/** The SQL form of `waitWeights`. */
export function waitWeightSql(p: Parameters): SqlFragment {
  return sql`if(stalled, ${param('Float64', p.stallWeight)}, 1)`;
}

/** Remote ends that keep their senders waiting, over all of their cells. */
export function stalledRemotes(cells: WaitCells, p: Parameters): number[] {
  const sums = new Map<number, { now: Waited; before: Waited }>();
  for (let i = 0; i < cells.length; i += 1) {
    const now = waitedAt(cells, i);
    const before = waitedAt(cells.history, i);
    if (!(now.busyMicros > 0 && before.busyMicros > 0)) continue;
    const remote = cells.remote[i] ?? 0;
    const sum = sums.get(remote) ?? { now: NO_WAIT, before: NO_WAIT };
    sums.set(remote, { now: added(sum.now, now), before: added(sum.before, before) });
  }
  return [...sums]
    .filter(([, { now, before }]) => now.busyMicros >= p.stallMinMicros && isStall(now, before, p))
    .map(([remote]) => remote);
}

const NO_WAIT: Waited = { busyMicros: 0, rwndLimitedMicros: 0 };

function waitedAt(arrays: { readonly [Key in keyof Waited]: Float64Array }, i: number): Waited {
  return {
    busyMicros: arrays.busyMicros[i] ?? 0,
    rwndLimitedMicros: arrays.rwndLimitedMicros[i] ?? 0,
  };
}

function added(one: Waited, other: Waited): Waited {
  return {
    busyMicros: one.busyMicros + other.busyMicros,
    rwndLimitedMicros: one.rwndLimitedMicros + other.rwndLimitedMicros,
  };
}
