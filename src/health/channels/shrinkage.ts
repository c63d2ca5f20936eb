import { type SqlFragment, sql } from '../../store/sql.ts';
import type { Parameters } from '../parameters.ts';
import { float } from '../sql-values.ts';

/** Events among trials, e.g. retransmissions among segments. */
interface Counted<Value> {
  readonly events: Value;
  readonly trials: Value;
}

/**
 * The rate of events, shrunk towards a prior rate, the more so the fewer the trials: the posterior
 * mean of a Gamma-Poisson model.
 */
export function shrunkRate({ events, trials }: Counted<number>, prior: number, p: Parameters) {
  return (p.classWeight + events) / (p.classWeight / prior + trials);
}

/** The SQL form of `shrunkRate`. */
export function shrunkRateSql(
  { events, trials }: Counted<SqlFragment>,
  prior: SqlFragment,
  p: Parameters,
): SqlFragment {
  const weight = float(p.classWeight);
  return sql`(${weight} + ${events}) / (${weight} / ${prior} + ${trials})`;
}

/** The relative variance of a shrunk rate. */
export function spreadOf(events: number, p: Parameters): number {
  return Math.min(p.newSpread, Math.max(p.knownSpread, 1 / (p.classWeight + events)));
}

/** The SQL form of `spreadOf`. */
export function spreadSql(events: SqlFragment, p: Parameters): SqlFragment {
  return sql`least(${float(p.newSpread)}, greatest(${float(p.knownSpread)}, 1 / (${float(p.classWeight)} + ${events})))`;
}
