import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import {
  type MonitorRow,
  queryMonitor,
  querySeries,
  queryWorkloadInsights,
  type WorkloadInsightsRow,
  type WorkloadInsightsSeries,
} from '../../client/run-query.ts';
import type { WaiterOptions } from '../../client/waiters.ts';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../model/category.ts';
import type { MonitorMetric, WorkloadInsightsMetric } from '../../model/query.ts';
import type { CliContext } from './cli-context.ts';
import type { CategoryChoice } from './shared-options.ts';

const QUERY_WAIT_SECONDS = 300;

/** The options that `nfm query` and `nfm top` share. */
export interface ContributorOptions<Metric = MonitorMetric> {
  readonly metric: Metric;
  readonly category: CategoryChoice;
  /** Seconds before now at which the range starts. */
  readonly since: number;
}

export interface RankedOptions<Metric = MonitorMetric> extends ContributorOptions<Metric> {
  readonly limit: number;
}

/** A row and the category of its query: rows of workload insights do not name it themselves. */
export interface Categorized<Row> {
  readonly category: DestinationCategory;
  readonly row: Row;
}

/** Runs one query for each chosen category, all at once, because a query covers only one. */
export class ContributorQuery {
  readonly #context: CliContext;
  readonly #client: NetworkFlowMonitorClient;

  constructor(context: CliContext, client: NetworkFlowMonitorClient) {
    this.#context = context;
    this.#client = client;
  }

  async monitor(options: RankedOptions, monitorName: string): Promise<Categorized<MonitorRow>[]> {
    const { metric: metricName, limit } = options;
    const lists = await this.#eachCategory(options, (range) =>
      queryMonitor(this.#waiter(), { ...range, metricName, monitorName, limit }),
    );
    return mergeRows(lists, limit);
  }

  async workload(
    options: RankedOptions<WorkloadInsightsMetric>,
    scopeId: string,
  ): Promise<Categorized<WorkloadInsightsRow>[]> {
    const { metric: metricName, limit } = options;
    const lists = await this.#eachCategory(options, (range) =>
      queryWorkloadInsights(this.#waiter(), { ...range, metricName, scopeId, limit }),
    );
    return mergeRows(lists, limit);
  }

  async series(
    options: ContributorOptions<WorkloadInsightsMetric>,
    scopeId: string,
  ): Promise<Categorized<WorkloadInsightsSeries>[]> {
    const lists = await this.#eachCategory(options, (range) =>
      querySeries(this.#waiter(), { ...range, metricName: options.metric, scopeId }),
    );
    return lists.flat();
  }

  async #eachCategory<Row>(
    { category: choice, since }: ContributorOptions<unknown>,
    ask: (range: QueryRange) => Promise<readonly Row[]>,
  ): Promise<Categorized<Row>[][]> {
    const now = this.#context.clock.now();
    const endTime = new Date(now);
    const startTime = new Date(now - since * 1000);
    const categories = choice === 'all' ? DESTINATION_CATEGORIES : [choice];
    return Promise.all(
      categories.map(async (category) => {
        const rows = await ask({ startTime, endTime, destinationCategory: category });
        return rows.map((row) => ({ category, row }));
      }),
    );
  }

  #waiter(): WaiterOptions {
    const { clock, sleep, signal } = this.#context;
    return { client: this.#client, maxWaitSeconds: QUERY_WAIT_SECONDS, clock, sleep, signal };
  }
}

interface QueryRange {
  readonly startTime: Date;
  readonly endTime: Date;
  readonly destinationCategory: DestinationCategory;
}

/** The rows of all categories, highest value first. */
function mergeRows<Row extends { readonly value?: bigint | undefined }>(
  lists: readonly (readonly Categorized<Row>[])[],
  limit: number,
): Categorized<Row>[] {
  const byValue = (a: Categorized<Row>, b: Categorized<Row>) => {
    const difference = (b.row.value ?? 0n) - (a.row.value ?? 0n);
    return difference > 0n ? 1 : difference < 0n ? -1 : 0;
  };
  return lists.flat().toSorted(byValue).slice(0, limit);
}
