import { invalid } from '../../model/api-error.ts';
import type { DestinationCategory } from '../../model/category.ts';
import type { Owner } from '../../model/owner.ts';
import type { MonitorMetric, QueryKind, QueryPage, QueryRef } from '../../model/query.ts';
import type { Queries } from '../../query/queries.ts';
import type { NextTokens } from '../next-tokens.ts';
import type { Handlers } from './handlers.ts';

/** Default of a query's `limit` and of `maxResults`; the maximum is 500. */
const DEFAULT_ROWS = 100;
const MAX_ROWS = 500;

export interface QueryHandlerDeps {
  readonly queries: Pick<Queries, 'startQuery' | 'status' | 'results' | 'stopQuery'>;
  readonly tokens: NextTokens;
  /** Longest `endTime` - `startTime` of a query; AWS has 3600. Unlimited if undefined. */
  readonly maxQueryRangeSeconds?: number | undefined;
}

export function queryHandlers(deps: QueryHandlerDeps) {
  return {
    ...monitorQueries(deps),
    ...insightsQueries(deps),
    ...seriesQueries(deps),
  } satisfies Partial<Handlers>;
}

const MONITOR = 'MonitorTopContributors';
const INSIGHTS = 'WorkloadInsightsTopContributors';
const SERIES = 'WorkloadInsightsTopContributorsData';

function monitorQueries(deps: QueryHandlerDeps) {
  const steps = new QuerySteps(deps, MONITOR);
  return {
    StartQueryMonitorTopContributors: (input, owner) =>
      steps.start(owner, input.monitorName, input),
    GetQueryStatusMonitorTopContributors: (input, owner) =>
      steps.status(owner, input.monitorName, input.queryId),
    GetQueryResultsMonitorTopContributors: async (input, owner) => {
      const { page, nextToken } = await steps.results(owner, input.monitorName, input);
      return { unit: page.unit, topContributors: page.rows, nextToken };
    },
    StopQueryMonitorTopContributors: (input, owner) =>
      steps.stop(owner, input.monitorName, input.queryId),
  } satisfies Partial<Handlers>;
}

function insightsQueries(deps: QueryHandlerDeps) {
  const steps = new QuerySteps(deps, INSIGHTS);
  return {
    StartQueryWorkloadInsightsTopContributors: (input, owner) =>
      steps.start(owner, input.scopeId, input),
    GetQueryStatusWorkloadInsightsTopContributors: (input, owner) =>
      steps.status(owner, input.scopeId, input.queryId),
    GetQueryResultsWorkloadInsightsTopContributors: async (input, owner) => {
      const { page, nextToken } = await steps.results(owner, input.scopeId, input);
      return { topContributors: page.rows, nextToken };
    },
    StopQueryWorkloadInsightsTopContributors: (input, owner) =>
      steps.stop(owner, input.scopeId, input.queryId),
  } satisfies Partial<Handlers>;
}

function seriesQueries(deps: QueryHandlerDeps) {
  const steps = new QuerySteps(deps, SERIES);
  return {
    StartQueryWorkloadInsightsTopContributorsData: (input, owner) =>
      steps.start(owner, input.scopeId, input),
    GetQueryStatusWorkloadInsightsTopContributorsData: (input, owner) =>
      steps.status(owner, input.scopeId, input.queryId),
    GetQueryResultsWorkloadInsightsTopContributorsData: async (input, owner) => {
      const { page, nextToken } = await steps.results(owner, input.scopeId, input);
      return {
        unit: page.unit,
        datapoints: page.rows.map((series) => ({
          label: series.label,
          timestamps: series.timestampsMillis.map((millis) => new Date(millis)),
          values: series.values,
        })),
        nextToken,
      };
    },
    StopQueryWorkloadInsightsTopContributorsData: (input, owner) =>
      steps.stop(owner, input.scopeId, input.queryId),
  } satisfies Partial<Handlers>;
}

interface StartInput {
  readonly startTime: Date;
  readonly endTime: Date;
  readonly metricName: MonitorMetric;
  readonly destinationCategory: DestinationCategory;
  readonly limit?: number | undefined;
}

interface ResultsInput {
  readonly queryId: string;
  readonly nextToken?: string | undefined;
  readonly maxResults?: number | undefined;
}

type PageOf<Kind extends QueryKind> = Extract<QueryPage, { readonly kind: Kind }>;

/** The four operations of a query, for one of its three kinds. */
class QuerySteps<Kind extends QueryKind> {
  readonly #deps: QueryHandlerDeps;
  readonly #kind: Kind;

  constructor(deps: QueryHandlerDeps, kind: Kind) {
    this.#deps = deps;
    this.#kind = kind;
  }

  async start(owner: Owner, resource: string, input: StartInput): Promise<{ queryId: string }> {
    checkRange(input, this.#deps.maxQueryRangeSeconds);
    const queryId = await this.#deps.queries.startQuery(owner, {
      kind: this.#kind,
      resource,
      // Rounded outwards to whole seconds: the range covers all that was asked for.
      startSeconds: Math.floor(input.startTime.getTime() / 1000),
      endSeconds: Math.ceil(input.endTime.getTime() / 1000),
      metric: input.metricName,
      category: input.destinationCategory,
      limit: input.limit ?? DEFAULT_ROWS,
    });
    return { queryId };
  }

  async status(owner: Owner, resource: string, queryId: string) {
    return { status: await this.#deps.queries.status(owner, this.#ref(resource, queryId)) };
  }

  async results(owner: Owner, resource: string, input: ResultsInput) {
    const { queryId, nextToken, maxResults = DEFAULT_ROWS } = input;
    checkMaxResults(maxResults);
    const { queries, tokens } = this.#deps;
    const operation = `GetQueryResults${this.#kind}` as const;
    const context = { operation, owner, subject: [resource, queryId] };
    const offset = Number(tokens.open(context, nextToken) ?? 0);
    const ref = this.#ref(resource, queryId);
    const page = await queries.results(owner, ref, { offset, limit: maxResults });
    if (!isKind(page, this.#kind)) throw new Error(`a ${page.kind} query answered ${operation}`);
    return { page, nextToken: tokens.seal(context, page.next?.toString()) };
  }

  async stop(owner: Owner, resource: string, queryId: string): Promise<Record<never, never>> {
    await this.#deps.queries.stopQuery(owner, this.#ref(resource, queryId));
    return {};
  }

  #ref(resource: string, queryId: string): QueryRef {
    return { kind: this.#kind, resource, queryId };
  }
}

function isKind<Kind extends QueryKind>(page: QueryPage, kind: Kind): page is PageOf<Kind> {
  return page.kind === kind;
}

function checkRange({ startTime, endTime }: StartInput, maxSeconds: number | undefined): void {
  if (startTime >= endTime) {
    throw invalid('startTime must be before endTime');
  }
  const seconds = (endTime.getTime() - startTime.getTime()) / 1000;
  if (maxSeconds !== undefined && seconds > maxSeconds) {
    const max = maxSeconds === 3600 ? '1 hour' : `${maxSeconds} seconds`;
    throw invalid(`Time range can not exceed ${max}`);
  }
}

function checkMaxResults(maxResults: number): void {
  if (maxResults < 1 || maxResults > MAX_ROWS) {
    throw invalid(`maxResults must be from 1 to ${MAX_ROWS}`);
  }
}
