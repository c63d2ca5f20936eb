import { param, type SqlFragment, sql } from '../../store/sql.ts';
import type { Parameters } from '../parameters.ts';
import { isWaiting, waitingSql } from './stall.ts';

/** The cell sent no data segment and attempted no connection. */
export const IDLE = 0;
/** The cell sent something and is not dead. */
export const ALIVE = 1;
/** The cell sent something and the remote end answered nothing. See `lifeSql`. */
export const DEAD = 2;

/** Counts that `life` and `refused` depend on. */
export interface LifeCounts {
  readonly bytesDelivered: number;
  /** Segments sent, retransmissions included. */
  readonly segments: number;
  /** Retransmission timeouts of established connections. */
  readonly timeouts: number;
  readonly attempts: number;
  readonly connected: number;
  /** SYNs sent again. */
  readonly synsAgain: number;
  /** Connections that failed before they were established. */
  readonly failed: number;
  readonly busyMicros: number;
  readonly rwndLimitedMicros: number;
}

/** Aliases that the columns of a cell share. */
export const ATTEMPTS_SQL = sql`sum(connect_attempts) AS attempts,
  sum(connect_us_count) AS connected,
  sum(retrans_syn) AS syns_again`;

/**
 * A cell is dead if it delivered no byte, and either its retransmission timer ran out or it
 * repeated a SYN and established no connection. A cell whose receiver's window is full is alive,
 * because the receiver answers. The expression needs the columns of all channels.
 */
export function lifeSql(p: Parameters): SqlFragment {
  const unanswered = sql`ifNull(sum(rtos_est), 0) > 0 OR (attempts > 0 AND connected = 0 AND syns_again > 0)`;
  return sql`multiIf(sum(bytes_delivered) = 0 AND NOT (${waitingSql(p)}) AND (${unanswered}), ${life(DEAD)}, attempts > 0 OR n > 0, ${life(ALIVE)}, ${life(IDLE)})`;
}

/** The same rule as `lifeSql`. */
export function lifeOf(counts: LifeCounts, p: Parameters): number {
  const { bytesDelivered, segments, timeouts, attempts, connected, synsAgain } = counts;
  const isUnanswered = timeouts > 0 || (attempts > 0 && connected === 0 && synsAgain > 0);
  if (bytesDelivered === 0 && !isWaiting(counts, p) && isUnanswered) return DEAD;
  return attempts > 0 || segments > 0 ? ALIVE : IDLE;
}

export const REFUSED_SQL = sql`toUInt8(ifNull(sum(severed_connect), 0) > 0 AND syns_again = 0 AND connected = 0)`;

/** The same rule as `REFUSED_SQL`. */
export function isRefused({ failed, synsAgain, connected }: LifeCounts): boolean {
  return failed > 0 && synsAgain === 0 && connected === 0;
}

/** Condition: the count is above 0 and the cell is not dead. */
export function livingSql(count: SqlFragment): SqlFragment {
  return sql`${count} > 0 AND life != ${life(DEAD)}`;
}

function life(value: number) {
  return param('UInt8', value);
}
