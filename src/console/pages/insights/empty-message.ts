import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import type { Insights } from './load-insights.ts';
import { METRIC_TEXT } from './metrics.ts';
import { TIME_RANGE_TEXT, type TimeRange } from './time-window.ts';

/**
 * The meaning of an empty section. `good`: there was traffic without loss. `quiet`: agents report,
 * but no flow leaves its host. `nothing`: no flow was reported, so something may be wrong.
 * `unknown`: the traffic has not been read.
 */
export interface EmptyMessage {
  readonly meaning: 'good' | 'quiet' | 'nothing' | 'unknown';
  readonly text: string;
}

export interface EmptyQuestion {
  readonly metric: WorkloadInsightsMetric;
  readonly range: TimeRange;
  /** Data transferred by the same flows; undefined until it has been read. */
  readonly traffic: Insights | undefined;
}

export function emptyMessage({ metric, range, traffic }: EmptyQuestion): EmptyMessage {
  const when = `in the last ${TIME_RANGE_TEXT[range].span}`;
  const none = `No ${METRIC_TEXT[metric].noun} ${when}`;
  if (traffic === undefined) return { meaning: 'unknown', text: none };
  if (traffic.contributors.length > 0) return { meaning: 'good', text: none };
  return traffic.onlyLoopback
    ? { meaning: 'quiet', text: `No flow between hosts ${when}` }
    : { meaning: 'nothing', text: `No flows seen ${when}` };
}
