import { ApiError } from '../../model/api-error.ts';
import type { RawRequest, RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { WORKLOAD_INSIGHTS_METRICS, type WorkloadInsightsSeries } from '../../model/query.ts';
import { insightsOverview, type OverviewRequest } from '../../query/insights-overview.ts';
import type { FlowReader } from '../../query/queries.ts';
import { encodeJson } from '../../wire/rest-json/json.ts';
import type { ScopeService } from '../deps.ts';
import { invalid, QueryParameters } from './query-parameters.ts';

export interface InsightsDeps {
  readonly store: FlowReader;
  readonly scopes: Pick<ScopeService, 'get'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A signal that is aborted when an answer has taken too long; asked for at each request. */
  readonly timeLimit: () => AbortSignal;
}

const PATH = /^\/api\/v1\/scopes\/([^/?]+)\/insights(?:\?|$)/;
const MEMBERS = ['start', 'end', 'metric', 'category', 'limit', 'loopback'];
const DEFAULT_ROWS = 100;
const MAX_ROWS = 500;

/** The scope whose insights a target asks for; undefined when it asks for something else. */
export function insightsScopeOf(target: string): string | undefined {
  return PATH.exec(target)?.[1];
}

/**
 * `GET /api/v1/scopes/{scopeId}/insights?metric=…&start=…&end=…&category=…&limit=…&loopback=…`:
 * `{ unit, rows, series }` of one metric at once. Rows are those of WorkloadInsightsTopContributors
 * with their destinationCategory; without `category` they are the top of all. `loopback=false`
 * leaves out what hosts say to themselves. Times are ISO 8601; the default is the last hour.
 *
 * @throws ApiError ValidationException, ResourceNotFoundException
 */
export async function getInsights(
  deps: InsightsDeps,
  request: RawRequest,
  principal: Principal,
): Promise<RawResponse> {
  const overviewRequest = parseRequest(new QueryParameters(request, MEMBERS), deps.now());
  const scope = await deps.scopes.get(principal, insightsScopeOf(request.target) ?? '');
  const question = { request: overviewRequest, targets: scope.targets };
  const { unit, rows, series } = await inTime(deps, (signal) =>
    insightsOverview(deps.store, question, signal),
  );
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: encodeJson({ unit, rows, series: series.map(seriesMember) }),
  };
}

function parseRequest(parameters: QueryParameters, nowMillis: number): OverviewRequest {
  const metric = parameters.choice('metric', WORKLOAD_INSIGHTS_METRICS);
  if (metric === undefined) {
    throw invalid(`metric: is required, one of ${WORKLOAD_INSIGHTS_METRICS.join(', ')}`);
  }
  return {
    ...parameters.range(nowMillis),
    metric,
    category: parameters.category(),
    limit: parameters.integer('limit', [1, MAX_ROWS]) ?? DEFAULT_ROWS,
    loopback: parameters.choice('loopback', ['true', 'false']) !== 'false',
  };
}

/** 400 and not 503, after which clients would ask for the same again. */
async function inTime<Answer>(
  { timeLimit }: InsightsDeps,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const signal = timeLimit();
  try {
    return await work(signal);
  } catch (cause) {
    if (!signal.aborted) throw cause;
    const message = 'the answer took too long; ask for a shorter time range';
    throw new ApiError('ValidationException', message, { cause });
  }
}

function seriesMember({ label, timestampsMillis, values }: WorkloadInsightsSeries) {
  return {
    label,
    timestamps: timestampsMillis.map((millis) => new Date(millis).toISOString()),
    values,
  };
}
