import type { InputOf, TypeOf } from '../contract/types.ts';
import type { QueryRef } from '../model/query.ts';
import { collect } from './collect.ts';
import { type QueryQuestion, startQuery, stopQuery } from './query-steps.ts';
import { type WaiterOptions, waitUntilQueryDone } from './waiters.ts';

export type MonitorRow = TypeOf<'MonitorTopContributorsRow'>;
export type WorkloadInsightsRow = TypeOf<'WorkloadInsightsTopContributorsRow'>;
export type WorkloadInsightsSeries = TypeOf<'WorkloadInsightsTopContributorsDataPoint'>;

/** Asks a monitor for its top contributors and waits for every row, highest value first. */
export async function queryMonitor(
  options: WaiterOptions,
  input: InputOf<'StartQueryMonitorTopContributors'>,
): Promise<MonitorRow[]> {
  const kind = 'MonitorTopContributors';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { monitorName } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { monitorName, queryId }, options));
}

/** Asks a scope for its top contributors and waits for every row, highest value first. */
export async function queryWorkloadInsights(
  options: WaiterOptions,
  input: InputOf<'StartQueryWorkloadInsightsTopContributors'>,
): Promise<WorkloadInsightsRow[]> {
  const kind = 'WorkloadInsightsTopContributors';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { scopeId } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { scopeId, queryId }, options));
}

/** Asks a scope for its series, one an AZ, in 5-minute bins; bins without data are absent. */
export async function querySeries(
  options: WaiterOptions,
  input: InputOf<'StartQueryWorkloadInsightsTopContributorsData'>,
): Promise<WorkloadInsightsSeries[]> {
  const kind = 'WorkloadInsightsTopContributorsData';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { scopeId } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { scopeId, queryId }, options));
}

/** Starts a query and waits for its end; one nobody waits for any more is stopped. */
async function finishQuery(options: WaiterOptions, question: QueryQuestion): Promise<QueryRef> {
  const query = await startQuery(options.client, question, options);
  try {
    await waitUntilQueryDone(options, query);
  } catch (error) {
    await stopQuery(options.client, query).catch(() => {});
    throw error;
  }
  return query;
}
