import type { InputOf, TypeOf } from '../contract/types.ts';
import type { QueryRef } from '../model/query.ts';
import { collect } from './collect.ts';
import { type QueryQuestion, startQuery, stopQuery } from './query-steps.ts';
import { type WaiterOptions, waitUntilQueryDone } from './waiters.ts';

export type MonitorRow = TypeOf<'MonitorTopContributorsRow'>;
export type WorkloadInsightsRow = TypeOf<'WorkloadInsightsTopContributorsRow'>;
export type WorkloadInsightsSeries = TypeOf<'WorkloadInsightsTopContributorsDataPoint'>;

/** Queries the top contributors of a monitor. Resolves with all rows, highest value first. */
export async function queryMonitor(
  options: WaiterOptions,
  input: InputOf<'StartQueryMonitorTopContributors'>,
): Promise<MonitorRow[]> {
  const kind = 'MonitorTopContributors';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { monitorName } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { monitorName, queryId }, options));
}

/** Queries the top contributors of a scope. Resolves with all rows, highest value first. */
export async function queryWorkloadInsights(
  options: WaiterOptions,
  input: InputOf<'StartQueryWorkloadInsightsTopContributors'>,
): Promise<WorkloadInsightsRow[]> {
  const kind = 'WorkloadInsightsTopContributors';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { scopeId } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { scopeId, queryId }, options));
}

/** Queries the series of a scope: one per AZ in 5-minute bins, without bins that have no data. */
export async function querySeries(
  options: WaiterOptions,
  input: InputOf<'StartQueryWorkloadInsightsTopContributorsData'>,
): Promise<WorkloadInsightsSeries[]> {
  const kind = 'WorkloadInsightsTopContributorsData';
  const { queryId } = await finishQuery(options, { kind, ...input });
  const { scopeId } = input;
  return collect(options.client.items(`GetQueryResults${kind}`, { scopeId, queryId }, options));
}

/** Starts a query and waits until it is done. Stops the query if waiting fails. */
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
