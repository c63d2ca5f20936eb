import type { DestinationCategory } from '../model/category.ts';
import type {
  MonitorMetric,
  QueryRef,
  QueryStatus,
  WorkloadInsightsMetric,
} from '../model/query.ts';
import type { NetworkFlowMonitorClient } from './network-flow-monitor-client.ts';
import type { CallOptions } from './operation-caller.ts';

interface Question {
  readonly startTime: Date;
  readonly endTime: Date;
  readonly destinationCategory: DestinationCategory;
  /** 1 to 500, default 100. Ignored for series. */
  readonly limit?: number | undefined;
}

/**
 * The input of a query. The kind decides which metrics are allowed, and whether the query covers a
 * monitor or a scope.
 */
export type QueryQuestion =
  | (Question & {
      readonly kind: 'MonitorTopContributors';
      readonly monitorName: string;
      readonly metricName: MonitorMetric;
    })
  | (Question & {
      readonly kind: 'WorkloadInsightsTopContributors' | 'WorkloadInsightsTopContributorsData';
      readonly scopeId: string;
      readonly metricName: WorkloadInsightsMetric;
    });

/** Starts a query of any kind. Returns the reference that the other functions take. */
export async function startQuery(
  client: NetworkFlowMonitorClient,
  question: QueryQuestion,
  options: CallOptions = {},
): Promise<QueryRef> {
  const { kind, ...input } = question;
  if (question.kind === 'MonitorTopContributors') {
    const started = await client.startQueryMonitorTopContributors(question, options);
    return { kind, resource: question.monitorName, queryId: started.queryId };
  }
  const operation = `StartQuery${question.kind}` as const;
  const started = await client.call(operation, { ...input, ...question }, options);
  return { kind, resource: question.scopeId, queryId: started.queryId };
}

/** The status of a query of any kind. */
export async function queryStatus(
  client: NetworkFlowMonitorClient,
  { kind, resource, queryId }: QueryRef,
  options: CallOptions = {},
): Promise<QueryStatus> {
  const { status } =
    kind === 'MonitorTopContributors'
      ? await client.call(`GetQueryStatus${kind}`, { monitorName: resource, queryId }, options)
      : await client.call(`GetQueryStatus${kind}`, { scopeId: resource, queryId }, options);
  return status;
}

/** Stops a query of any kind. Has no effect on a finished query. */
export async function stopQuery(
  client: NetworkFlowMonitorClient,
  { kind, resource, queryId }: QueryRef,
  options: CallOptions = {},
): Promise<void> {
  if (kind === 'MonitorTopContributors') {
    await client.call(`StopQuery${kind}`, { monitorName: resource, queryId }, options);
  } else {
    await client.call(`StopQuery${kind}`, { scopeId: resource, queryId }, options);
  }
}
