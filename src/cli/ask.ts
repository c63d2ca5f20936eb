import type { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import {
  type MonitorRow,
  queryMonitor,
  querySeries,
  queryWorkloadInsights,
  type WorkloadInsightsRow,
  type WorkloadInsightsSeries,
} from '../client/run-query.ts';
import type { WaiterOptions } from '../client/waiters.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { MonitorMetric, WorkloadInsightsMetric } from '../model/query.ts';
import type { CliContext } from './context.ts';
import { type Categorized, mergeRows } from './contributor-columns.ts';
import { categoriesOf } from './parse-options.ts';

const QUERY_WAIT_SECONDS = 300;
const HOUR_SECONDS = 3600;
const DEFAULT_LIMIT = 100;

/** What the query commands and `top` have in common. */
export interface AskOptions {
  readonly category: DestinationCategory | 'all';
  /** Seconds back from now; an hour unless said. */
  readonly since?: number | undefined;
  readonly limit?: number | undefined;
}

/** Asks one query a category, all at once, of the last `since` seconds. */
export class Asker {
  readonly #context: CliContext;
  readonly #client: NetworkFlowMonitorClient;

  constructor(context: CliContext, client: NetworkFlowMonitorClient) {
    this.#context = context;
    this.#client = client;
  }

  async monitor(
    options: AskOptions & { readonly metric: MonitorMetric },
    monitorName: string,
  ): Promise<Categorized<MonitorRow>[]> {
    const lists = await this.#eachCategory(options, (common) =>
      queryMonitor(this.#waiter(), { ...common, metricName: options.metric, monitorName }),
    );
    return mergeRows(lists, options.limit ?? DEFAULT_LIMIT);
  }

  async workload(
    options: AskOptions & { readonly metric: WorkloadInsightsMetric },
    scopeId: string,
  ): Promise<Categorized<WorkloadInsightsRow>[]> {
    const lists = await this.#eachCategory(options, (common) =>
      queryWorkloadInsights(this.#waiter(), { ...common, metricName: options.metric, scopeId }),
    );
    return mergeRows(lists, options.limit ?? DEFAULT_LIMIT);
  }

  async series(
    options: AskOptions & { readonly metric: WorkloadInsightsMetric },
    scopeId: string,
  ): Promise<Categorized<WorkloadInsightsSeries>[]> {
    const lists = await this.#eachCategory(options, (common) =>
      querySeries(this.#waiter(), { ...common, metricName: options.metric, scopeId }),
    );
    return lists.flat();
  }

  async #eachCategory<Row>(
    options: AskOptions,
    ask: (common: Common) => Promise<readonly Row[]>,
  ): Promise<Categorized<Row>[][]> {
    const now = this.#context.clock.now();
    const endTime = new Date(now);
    const startTime = new Date(now - (options.since ?? HOUR_SECONDS) * 1000);
    return Promise.all(
      categoriesOf(options.category).map(async (category) => {
        const common = { startTime, endTime, destinationCategory: category, limit: options.limit };
        return (await ask(common)).map((row) => ({ category, row }));
      }),
    );
  }

  #waiter(): WaiterOptions {
    const { clock, sleep, signal } = this.#context;
    return { client: this.#client, maxWaitSeconds: QUERY_WAIT_SECONDS, clock, sleep, signal };
  }
}

interface Common {
  readonly startTime: Date;
  readonly endTime: Date;
  readonly destinationCategory: DestinationCategory;
  readonly limit: number | undefined;
}
