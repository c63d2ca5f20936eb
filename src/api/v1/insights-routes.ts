import type { Scopes } from '../../control/scopes.ts';
import { invalid } from '../../model/api-error.ts';
import { scopeArn } from '../../model/arn.ts';
import { WORKLOAD_INSIGHTS_METRICS, type WorkloadInsightsSeries } from '../../model/query.ts';
import { insightsOverview, type OverviewRequest } from '../../query/insights-overview.ts';
import type { FlowReader } from '../../query/queries.ts';
import { jsonAnswer } from '../json-answer.ts';
import { type ExtensionCall, type ExtensionRoute, labelOf } from './extension-route.ts';
import { QueryParameters } from './query-parameters.ts';
import { required } from './read-value.ts';

export interface InsightsRouteDeps {
  readonly store: FlowReader;
  readonly scopes: Pick<Scopes, 'get'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Returns a signal for one request that aborts once the answer has taken too long. */
  readonly timeLimit: () => AbortSignal;
}

const PARAMETERS = ['start', 'end', 'metric', 'category', 'limit', 'loopback'];
const DEFAULT_ROWS = 100;
const MAX_ROWS = 500;

/**
 * `GET /api/v1/scopes/{scopeId}/insights`: top contributors and series of one metric in one
 * answer. Rows are those of WorkloadInsightsTopContributors, with their destination category.
 */
export function insightsRoutes(deps: InsightsRouteDeps): readonly ExtensionRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/scopes/{scopeId}/insights',
      action: 'nfm:GetInsights',
      resource: (call) => scopeArn(call.principal, labelOf(call, 'scopeId')),
      isQuery: true,
      answer: async (call) => jsonAnswer(await insights(deps, call)),
    },
  ];
}

async function insights(deps: InsightsRouteDeps, call: ExtensionCall) {
  const request = parseRequest(new QueryParameters(call.request, PARAMETERS), deps.now());
  const { targets } = await deps.scopes.get(call.principal, labelOf(call, 'scopeId'));
  const { unit, rows, series } = await inTime(deps, call, (signal) =>
    insightsOverview(deps.store, { request, targets }, { owner: call.principal, signal }),
  );
  return { unit, rows, series: series.map(seriesMember) };
}

function parseRequest(parameters: QueryParameters, nowMillis: number): OverviewRequest {
  return {
    metric: required('metric', parameters.choice('metric', WORKLOAD_INSIGHTS_METRICS)),
    ...parameters.range(nowMillis),
    category: parameters.category(),
    limit: parameters.integer('limit', [1, MAX_ROWS]) ?? DEFAULT_ROWS,
    loopback: parameters.choice('loopback', ['true', 'false']) !== 'false',
  };
}

/** Answers a timeout with status 400: clients would repeat the same request after a 503. */
async function inTime<Answer>(
  { timeLimit }: InsightsRouteDeps,
  { request }: ExtensionCall,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const limit = timeLimit();
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal]);
  try {
    return await work(signal);
  } catch (cause) {
    if (!limit.aborted) throw cause;
    throw invalid('the query took too long; ask for a shorter time range', { cause });
  }
}

function seriesMember({ label, timestampsMillis, values }: WorkloadInsightsSeries) {
  return {
    label,
    timestamps: timestampsMillis.map((millis) => new Date(millis).toISOString()),
    values,
  };
}
