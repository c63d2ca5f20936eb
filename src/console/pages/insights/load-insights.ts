import { type Contributor, contributorOf } from './contributor.ts';
import type { InsightsApi, InsightsQuery } from './insights-api.ts';
import { type Series, seriesOf } from './series.ts';
import type { TimeWindow } from './time-window.ts';

/** The data of a section. */
export interface Insights {
  readonly window: TimeWindow;
  /** Greatest value first. */
  readonly contributors: readonly Contributor[];
  readonly series: readonly Series[];
  /** All flows are within a host, and the query excluded those. */
  readonly onlyLoopback: boolean;
}

export type InsightsRequest = Omit<InsightsQuery, 'limit'>;

/** Maximum number of rows in a table. */
export const MAX_CONTRIBUTORS = 100;

/**
 * Loads the insights of a metric. If there is no data, a second request checks for loopback flows:
 * the first host of an installation often has no others, and the page then offers to show them.
 */
export async function loadInsights(
  api: Pick<InsightsApi, 'insights'>,
  request: InsightsRequest,
  signal: AbortSignal,
): Promise<Insights> {
  const { rows, series } = await api.insights({ ...request, limit: MAX_CONTRIBUTORS }, signal);
  const isQuiet = rows.length === 0 && request.metric === 'DATA_TRANSFERRED' && !request.loopback;
  return {
    window: request.window,
    contributors: rows.map(contributorOf),
    series: seriesOf(series),
    onlyLoopback: isQuiet && (await hasLoopback(api, request, signal)),
  };
}

async function hasLoopback(
  api: Pick<InsightsApi, 'insights'>,
  request: InsightsRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const { rows } = await api.insights({ ...request, loopback: true, limit: 1 }, signal);
  return rows.length > 0;
}
