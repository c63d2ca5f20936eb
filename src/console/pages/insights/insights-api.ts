import { collect } from '../../../client/collect.ts';
import type { NetworkFlowMonitorClient } from '../../../client/network-flow-monitor-client.ts';
import type { OutputOf } from '../../../contract/types.ts';
import type { DestinationCategory } from '../../../model/category.ts';
import type { Owner } from '../../../model/owner.ts';
import type { WorkloadInsightsMetric } from '../../../model/query.ts';
import { type InsightsAnswer, readAnswer } from './insights-answer.ts';
import type { TimeWindow } from './time-window.ts';

export type ScopeSummary = OutputOf<'ListScopes'>['scopes'][number];

/** A query about the flows of a scope. */
export interface InsightsQuery {
  readonly scopeId: string;
  readonly metric: WorkloadInsightsMetric;
  /** All categories if absent. */
  readonly category?: DestinationCategory | undefined;
  /** Whether to include flows within a host. */
  readonly loopback: boolean;
  readonly window: TimeWindow;
  /** Maximum number of rows, 1 to 500. */
  readonly limit: number;
}

export interface InsightsApiDeps {
  readonly client: NetworkFlowMonitorClient;
}

/** The calls of this page. They reject with the client's errors or with the signal's reason. */
export class InsightsApi {
  readonly #client: NetworkFlowMonitorClient;

  constructor({ client }: InsightsApiDeps) {
    this.#client = client;
  }

  /** The scope to show: one that is ready, else one in another state that is not deleted. */
  async findScope(signal: AbortSignal): Promise<ScopeSummary | undefined> {
    const scopes = await collect(this.#client.items('ListScopes', {}, { signal }));
    const alive = scopes.filter(({ status }) => status !== 'DEACTIVATED');
    return alive.find(({ status }) => status === 'SUCCEEDED') ?? alive[0];
  }

  /** Creates a scope for one account and Region. */
  async createScope({ account, region }: Owner): Promise<void> {
    const targetIdentifier = { targetId: { accountId: account }, targetType: 'ACCOUNT' } as const;
    await this.#client.createScope({ targets: [{ targetIdentifier, region }] });
  }

  /** Reads the top contributors and the series of a metric. */
  async insights(query: InsightsQuery, signal: AbortSignal): Promise<InsightsAnswer> {
    const target = `/api/v1/scopes/${encodeURIComponent(query.scopeId)}/insights?${paramsOf(query)}`;
    return readAnswer(
      await this.#client.send({ method: 'GET', target, body: undefined }, { signal }),
    );
  }
}

function paramsOf(query: InsightsQuery): string {
  const { metric, category, loopback, window, limit } = query;
  const params = new URLSearchParams({
    metric,
    start: new Date(window.startMillis).toISOString(),
    end: new Date(window.endMillis).toISOString(),
    limit: String(limit),
    loopback: String(loopback),
  });
  if (category !== undefined) params.set('category', category);
  return params.toString();
}
