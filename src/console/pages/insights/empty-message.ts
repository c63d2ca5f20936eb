import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import type { Insights } from './load-insights.ts';
import { METRIC_TEXT } from './metrics.ts';
import { TIME_RANGE_TEXT, type TimeRange } from './time-window.ts';

/**
 * What an empty section means. `good`: there was traffic, and none of it was lost. `quiet`: agents
 * report, but no flow left its host. `nothing`: no flow was seen at all, which is no news and wants
 * looking into. `unknown`: cannot be told apart.
 */
export interface EmptyMessage {
  readonly meaning: 'good' | 'quiet' | 'nothing' | 'unknown';
  readonly text: string;
}

export interface EmptyQuestion {
  readonly metric: WorkloadInsightsMetric;
  readonly range: TimeRange;
  /** Of data transferred, over the same flows; undefined while not known. */
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
