import type { ApiErrorName } from '../model/api-error.ts';
import type { ShapeName } from './shapes.ts';

export type HttpMethod = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export interface OperationSpec {
  readonly method: HttpMethod;
  /** Path pattern; a `{member}` stands for one URL-encoded segment. */
  readonly path: string;
  readonly input: ShapeName;
  readonly output: ShapeName;
  /** Every error the operation returns, except those of authentication and HTTP. */
  readonly errors: readonly ApiErrorName[];
  readonly trait?: 'idempotent' | 'readonly';
}

export const SERVICE = {
  apiVersion: '2023-04-19',
  endpointPrefix: 'networkflowmonitor',
  serviceFullName: 'Network Flow Monitor',
  serviceId: 'NetworkFlowMonitor',
  signingName: 'networkflowmonitor',
} as const;

const COMMON_ERRORS = [
  'ValidationException',
  'ThrottlingException',
  'AccessDeniedException',
  'InternalServerException',
] as const;

/** Every operation of the API. The status of a success is always 200. */
export const OPERATIONS = {
  CreateMonitor: {
    method: 'POST',
    path: '/monitors',
    input: 'CreateMonitorInput',
    output: 'CreateMonitorOutput',
    errors: ['ServiceQuotaExceededException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  CreateScope: {
    method: 'POST',
    path: '/scopes',
    input: 'CreateScopeInput',
    output: 'CreateScopeOutput',
    errors: ['ServiceQuotaExceededException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  DeleteMonitor: {
    method: 'DELETE',
    path: '/monitors/{monitorName}',
    input: 'DeleteMonitorInput',
    output: 'DeleteMonitorOutput',
    errors: ['ResourceNotFoundException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  DeleteScope: {
    method: 'DELETE',
    path: '/scopes/{scopeId}',
    input: 'DeleteScopeInput',
    output: 'DeleteScopeOutput',
    errors: [
      'ServiceQuotaExceededException',
      'ResourceNotFoundException',
      'ConflictException',
      ...COMMON_ERRORS,
    ],
    trait: 'idempotent',
  },
  GetMonitor: {
    method: 'GET',
    path: '/monitors/{monitorName}',
    input: 'GetMonitorInput',
    output: 'GetMonitorOutput',
    errors: ['ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryResultsMonitorTopContributors: {
    method: 'GET',
    path: '/monitors/{monitorName}/topContributorsQueries/{queryId}/results',
    input: 'GetQueryResultsMonitorTopContributorsInput',
    output: 'GetQueryResultsMonitorTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', 'ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryResultsWorkloadInsightsTopContributors: {
    method: 'GET',
    path: '/workloadInsights/{scopeId}/topContributorsQueries/{queryId}/results',
    input: 'GetQueryResultsWorkloadInsightsTopContributorsInput',
    output: 'GetQueryResultsWorkloadInsightsTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', 'ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryResultsWorkloadInsightsTopContributorsData: {
    method: 'GET',
    path: '/workloadInsights/{scopeId}/topContributorsDataQueries/{queryId}/results',
    input: 'GetQueryResultsWorkloadInsightsTopContributorsDataInput',
    output: 'GetQueryResultsWorkloadInsightsTopContributorsDataOutput',
    errors: ['ServiceQuotaExceededException', 'ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryStatusMonitorTopContributors: {
    method: 'GET',
    path: '/monitors/{monitorName}/topContributorsQueries/{queryId}/status',
    input: 'GetQueryStatusMonitorTopContributorsInput',
    output: 'GetQueryStatusMonitorTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryStatusWorkloadInsightsTopContributors: {
    method: 'GET',
    path: '/workloadInsights/{scopeId}/topContributorsQueries/{queryId}/status',
    input: 'GetQueryStatusWorkloadInsightsTopContributorsInput',
    output: 'GetQueryStatusWorkloadInsightsTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetQueryStatusWorkloadInsightsTopContributorsData: {
    method: 'GET',
    path: '/workloadInsights/{scopeId}/topContributorsDataQueries/{queryId}/status',
    input: 'GetQueryStatusWorkloadInsightsTopContributorsDataInput',
    output: 'GetQueryStatusWorkloadInsightsTopContributorsDataOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  GetScope: {
    method: 'GET',
    path: '/scopes/{scopeId}',
    input: 'GetScopeInput',
    output: 'GetScopeOutput',
    errors: ['ServiceQuotaExceededException', 'ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  ListMonitors: {
    method: 'GET',
    path: '/monitors',
    input: 'ListMonitorsInput',
    output: 'ListMonitorsOutput',
    errors: COMMON_ERRORS,
    trait: 'readonly',
  },
  ListScopes: {
    method: 'GET',
    path: '/scopes',
    input: 'ListScopesInput',
    output: 'ListScopesOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  ListTagsForResource: {
    method: 'GET',
    path: '/tags/{resourceArn}',
    input: 'ListTagsForResourceInput',
    output: 'ListTagsForResourceOutput',
    errors: ['ResourceNotFoundException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  StartQueryMonitorTopContributors: {
    method: 'POST',
    path: '/monitors/{monitorName}/topContributorsQueries',
    input: 'StartQueryMonitorTopContributorsInput',
    output: 'StartQueryMonitorTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
  },
  StartQueryWorkloadInsightsTopContributors: {
    method: 'POST',
    path: '/workloadInsights/{scopeId}/topContributorsQueries',
    input: 'StartQueryWorkloadInsightsTopContributorsInput',
    output: 'StartQueryWorkloadInsightsTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  StartQueryWorkloadInsightsTopContributorsData: {
    method: 'POST',
    path: '/workloadInsights/{scopeId}/topContributorsDataQueries',
    input: 'StartQueryWorkloadInsightsTopContributorsDataInput',
    output: 'StartQueryWorkloadInsightsTopContributorsDataOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  StopQueryMonitorTopContributors: {
    method: 'DELETE',
    path: '/monitors/{monitorName}/topContributorsQueries/{queryId}',
    input: 'StopQueryMonitorTopContributorsInput',
    output: 'StopQueryMonitorTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  StopQueryWorkloadInsightsTopContributors: {
    method: 'DELETE',
    path: '/workloadInsights/{scopeId}/topContributorsQueries/{queryId}',
    input: 'StopQueryWorkloadInsightsTopContributorsInput',
    output: 'StopQueryWorkloadInsightsTopContributorsOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  StopQueryWorkloadInsightsTopContributorsData: {
    method: 'DELETE',
    path: '/workloadInsights/{scopeId}/topContributorsDataQueries/{queryId}',
    input: 'StopQueryWorkloadInsightsTopContributorsDataInput',
    output: 'StopQueryWorkloadInsightsTopContributorsDataOutput',
    errors: ['ServiceQuotaExceededException', ...COMMON_ERRORS],
    trait: 'readonly',
  },
  TagResource: {
    method: 'POST',
    path: '/tags/{resourceArn}',
    input: 'TagResourceInput',
    output: 'TagResourceOutput',
    errors: ['ResourceNotFoundException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  UntagResource: {
    method: 'DELETE',
    path: '/tags/{resourceArn}',
    input: 'UntagResourceInput',
    output: 'UntagResourceOutput',
    errors: ['ResourceNotFoundException', 'ConflictException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  UpdateMonitor: {
    method: 'PATCH',
    path: '/monitors/{monitorName}',
    input: 'UpdateMonitorInput',
    output: 'UpdateMonitorOutput',
    errors: ['ResourceNotFoundException', ...COMMON_ERRORS],
    trait: 'idempotent',
  },
  UpdateScope: {
    method: 'PATCH',
    path: '/scopes/{scopeId}',
    input: 'UpdateScopeInput',
    output: 'UpdateScopeOutput',
    errors: [
      'ServiceQuotaExceededException',
      'ResourceNotFoundException',
      'ConflictException',
      ...COMMON_ERRORS,
    ],
    trait: 'idempotent',
  },
} as const satisfies Readonly<Record<string, OperationSpec>>;

export type OperationName = keyof typeof OPERATIONS;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

/** An operation with the general type instead of its literal types. */
export function operationSpec(operation: OperationName): OperationSpec {
  return OPERATIONS[operation];
}

export interface PaginatorSpec {
  readonly input_token: 'nextToken';
  readonly output_token: 'nextToken';
  readonly limit_key: 'maxResults';
  readonly result_key: string;
}

function pages<const Key extends string>(resultKey: Key) {
  return {
    input_token: 'nextToken',
    output_token: 'nextToken',
    limit_key: 'maxResults',
    result_key: resultKey,
  } as const;
}

/** The operations that return pages; `result_key` is the member that holds the items. */
export const PAGINATORS = {
  GetQueryResultsMonitorTopContributors: pages('topContributors'),
  GetQueryResultsWorkloadInsightsTopContributors: pages('topContributors'),
  GetQueryResultsWorkloadInsightsTopContributorsData: pages('datapoints'),
  ListMonitors: pages('monitors'),
  ListScopes: pages('scopes'),
} as const satisfies Partial<Record<OperationName, PaginatorSpec>>;

export type PaginatedOperation = keyof typeof PAGINATORS;
