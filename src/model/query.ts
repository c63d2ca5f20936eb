import type { DestinationCategory } from './category.ts';
import type { TraversedConstruct } from './topology.ts';

export const MONITOR_METRICS = [
  'ROUND_TRIP_TIME',
  'TIMEOUTS',
  'RETRANSMISSIONS',
  'DATA_TRANSFERRED',
] as const;
export type MonitorMetric = (typeof MONITOR_METRICS)[number];

export const WORKLOAD_INSIGHTS_METRICS = [
  'TIMEOUTS',
  'RETRANSMISSIONS',
  'DATA_TRANSFERRED',
] as const;
export type WorkloadInsightsMetric = (typeof WORKLOAD_INSIGHTS_METRICS)[number];

export const QUERY_STATUSES = ['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type QueryStatus = (typeof QUERY_STATUSES)[number];

/** The kinds of query, named after their results. */
export const QUERY_KINDS = [
  'MonitorTopContributors',
  'WorkloadInsightsTopContributors',
  'WorkloadInsightsTopContributorsData',
] as const;
export type QueryKind = (typeof QUERY_KINDS)[number];

export type MetricUnit = 'Bytes' | 'Count' | 'Microseconds';

/** The unit of a metric's `value`. */
export const METRIC_UNIT: Readonly<Record<MonitorMetric, MetricUnit>> = {
  DATA_TRANSFERRED: 'Bytes',
  RETRANSMISSIONS: 'Count',
  TIMEOUTS: 'Count',
  ROUND_TRIP_TIME: 'Microseconds',
};

/** The name of a metric in the console and the CLI. */
export const METRIC_LABEL: Readonly<Record<MonitorMetric, string>> = {
  DATA_TRANSFERRED: 'Data transferred',
  RETRANSMISSIONS: 'Retransmissions',
  TIMEOUTS: 'Retransmission timeouts',
  ROUND_TRIP_TIME: 'Round-trip time',
};

/** A query of flows. Its range is half-open, in whole seconds since 1970. */
export interface QueryRequest {
  readonly kind: QueryKind;
  /** A monitor's name or a scope's id, by kind. */
  readonly resource: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly metric: MonitorMetric;
  readonly category: DestinationCategory;
  /** 1 to 500; series ignore it. */
  readonly limit: number;
}

/** Names a query: its kind, its monitor or scope, and its id. */
export interface QueryRef {
  readonly kind: QueryKind;
  readonly resource: string;
  readonly queryId: string;
}

/** A row of a monitor's top contributors. Unknown members are absent, never "". */
export interface MonitorTopContributorsRow {
  readonly localIp?: string;
  readonly snatIp?: string;
  readonly localInstanceId?: string;
  readonly localVpcId?: string;
  readonly localRegion?: string;
  readonly localAz?: string;
  readonly localSubnetId?: string;
  readonly targetPort?: number;
  readonly destinationCategory?: DestinationCategory;
  readonly remoteVpcId?: string;
  readonly remoteRegion?: string;
  readonly remoteAz?: string;
  readonly remoteSubnetId?: string;
  readonly remoteInstanceId?: string;
  readonly remoteIp?: string;
  readonly dnatIp?: string;
  /** A 64-bit sum; in JSON a number. */
  readonly value: bigint;
  readonly traversedConstructs?: readonly TraversedConstruct[];
  readonly kubernetesMetadata?: KubernetesMetadata;
  readonly localInstanceArn?: string;
  readonly localSubnetArn?: string;
  readonly localVpcArn?: string;
  readonly remoteInstanceArn?: string;
  readonly remoteSubnetArn?: string;
  readonly remoteVpcArn?: string;
}

export interface KubernetesMetadata {
  readonly localServiceName?: string;
  readonly localPodName?: string;
  readonly localPodNamespace?: string;
  readonly remoteServiceName?: string;
  readonly remotePodName?: string;
  readonly remotePodNamespace?: string;
}

/** A row of the workload insights: one local subnet to one remote identifier. */
export interface WorkloadInsightsRow {
  readonly accountId?: string;
  readonly localSubnetId?: string;
  readonly localAz?: string;
  readonly localVpcId?: string;
  readonly localRegion?: string;
  readonly remoteIdentifier?: string;
  readonly value: bigint;
  readonly localSubnetArn?: string;
  readonly localVpcArn?: string;
}

/** One series: an AZ id and its 5-minute bins that have data. */
export interface WorkloadInsightsSeries {
  readonly label: string;
  readonly timestampsMillis: readonly number[];
  readonly values: readonly number[];
}

/** One page of a finished query's results. */
export type QueryPage =
  | {
      readonly kind: 'MonitorTopContributors';
      readonly unit: MetricUnit;
      readonly rows: readonly MonitorTopContributorsRow[];
      /** Offset of the next page; absent on the last. */
      readonly next?: number | undefined;
    }
  | {
      readonly kind: 'WorkloadInsightsTopContributors';
      readonly rows: readonly WorkloadInsightsRow[];
      /** Offset of the next page; absent on the last. */
      readonly next?: number | undefined;
    }
  | {
      readonly kind: 'WorkloadInsightsTopContributorsData';
      readonly unit: MetricUnit;
      readonly rows: readonly WorkloadInsightsSeries[];
      /** Offset of the next page; absent on the last. */
      readonly next?: number | undefined;
    };

/** A query that ran into a limit of the store. Its caller can ask for less. */
export class QueryTooLargeError extends Error {
  override readonly name = 'QueryTooLargeError';
}
