import type { MonitorMetric } from '../model/query.ts';
import { type SqlFragment, sql } from '../store/sql.ts';

/** A metric's `value` over the rows of a group; sums have 64 bits. */
export const METRIC_VALUE: Readonly<Record<MonitorMetric, SqlFragment>> = {
  DATA_TRANSFERRED: sql`sum(bytes_received + bytes_delivered)`,
  RETRANSMISSIONS: sql`sum(toUInt64(retrans_syn) + retrans_est + retrans_close)`,
  TIMEOUTS: sql`sum(toUInt64(rtos_syn) + rtos_est + rtos_close)`,
  // The average of all samples, in microseconds, rounded half up. Computed in integers, because
  // round() of a double rounds half to even and is inexact for large sums.
  ROUND_TRIP_TIME: sql`intDiv(sum(rtt_us_sum) + intDiv(sum(rtt_us_count), 2), greatest(sum(rtt_us_count), 1))`,
};

/** The condition for groups that have the metric. Other groups get no row. */
export const METRIC_PRESENT: Readonly<Record<MonitorMetric, SqlFragment>> = {
  DATA_TRANSFERRED: sql`${METRIC_VALUE.DATA_TRANSFERRED} > 0`,
  RETRANSMISSIONS: sql`${METRIC_VALUE.RETRANSMISSIONS} > 0`,
  TIMEOUTS: sql`${METRIC_VALUE.TIMEOUTS} > 0`,
  ROUND_TRIP_TIME: sql`sum(rtt_us_count) > 0`,
};
