import type { MonitorMetric } from '../model/query.ts';
import { type SqlFragment, sql } from '../store/sql.ts';

/** What a metric's `value` is, over all rows of a group. 64-bit sums. */
export const METRIC_VALUE: Readonly<Record<MonitorMetric, SqlFragment>> = {
  DATA_TRANSFERRED: sql`sum(bytes_received + bytes_delivered)`,
  RETRANSMISSIONS: sql`sum(toUInt64(retrans_syn) + retrans_est + retrans_close)`,
  TIMEOUTS: sql`sum(toUInt64(rtos_syn) + rtos_est + rtos_close)`,
  // An average of all samples, never of averages; rounded half up to whole microseconds. In whole
  // numbers: round() of a double rounds half to even, and is not exact for large sums.
  ROUND_TRIP_TIME: sql`intDiv(sum(rtt_us_sum) + intDiv(sum(rtt_us_count), 2), greatest(sum(rtt_us_count), 1))`,
};

/** Groups without this have nothing to say of the metric, and no row. */
export const METRIC_PRESENT: Readonly<Record<MonitorMetric, SqlFragment>> = {
  DATA_TRANSFERRED: sql`sum(bytes_received + bytes_delivered) > 0`,
  RETRANSMISSIONS: sql`sum(toUInt64(retrans_syn) + retrans_est + retrans_close) > 0`,
  TIMEOUTS: sql`sum(toUInt64(rtos_syn) + rtos_est + rtos_close) > 0`,
  ROUND_TRIP_TIME: sql`sum(rtt_us_count) > 0`,
};
