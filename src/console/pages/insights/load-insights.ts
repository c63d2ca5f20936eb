import { type Contributor, contributorOf } from './contributor.ts';
import type { InsightsApi, InsightsQuery } from './insights-api.ts';
import { type Series, seriesOf } from './series.ts';
import type { TimeWindow } from './time-window.ts';

/** What a section shows. */
export interface Insights {
  readonly window: TimeWindow;
  /** Greatest value first. */
  readonly contributors: readonly Contributor[];
  readonly series: readonly Series[];
  /** There are flows, but all of hosts with themselves, and those were not asked for. */
  readonly onlyLoopback: boolean;
}

export type InsightsRequest = Omit<InsightsQuery, 'limit'>;

/** Rows a table has at most. */
export const MAX_CONTRIBUTORS = 100;

/**
 * A metric's insights. When no data was seen, looks once more whether only loopback was: a first
 * host alone talks to nobody else, and its page should say so.
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
