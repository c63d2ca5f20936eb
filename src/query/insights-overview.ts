import type { DestinationCategory } from '../model/category.ts';
import {
  METRIC_UNIT,
  type MetricUnit,
  type WorkloadInsightsMetric,
  type WorkloadInsightsRow,
  type WorkloadInsightsSeries,
} from '../model/query.ts';
import type { ScopeTarget } from '../model/scope.ts';
import type { FlowSelection } from '../store/flow-filter.ts';
import { overviewPlan, seriesPlan } from './plan.ts';
import type { Asker, FlowReader } from './queries.ts';
import { insightsRow, type StoredBin, type StoredInsightsRow, series } from './rows.ts';

/** Asks for one metric of a scope's flows, in one category or in all. */
export interface OverviewRequest extends FlowSelection {
  readonly metric: WorkloadInsightsMetric;
  /** Limit of rows, 1 to 500; series have no limit. */
  readonly limit: number;
}

export interface OverviewRow extends WorkloadInsightsRow {
  readonly destinationCategory: DestinationCategory;
}

export interface InsightsOverview {
  readonly unit: MetricUnit;
  /** Greatest value first. */
  readonly rows: readonly OverviewRow[];
  /** One series per availability zone, over all flows and not only the top rows. */
  readonly series: readonly WorkloadInsightsSeries[];
}

type StoredOverviewRow = StoredInsightsRow & { readonly category: DestinationCategory };

/**
 * Reads top contributors and series in one call, without the steps of an asynchronous query, for a
 * page that refreshes. Aborting also ends the work in the store.
 *
 * @throws the signal's reason when the signal was aborted
 */
export async function insightsOverview(
  store: FlowReader,
  { request, targets }: { request: OverviewRequest; targets: readonly ScopeTarget[] },
  { owner, signal }: Asker,
): Promise<InsightsOverview> {
  const options = { lane: owner.account, signal };
  const [rows, bins] = await Promise.all([
    store.query<StoredOverviewRow>(overviewPlan(request, targets), options),
    store.query<StoredBin>(seriesPlan(request, targets), options),
  ]);
  return { unit: METRIC_UNIT[request.metric], rows: rows.map(overviewRow), series: series(bins) };
}

function overviewRow(row: StoredOverviewRow): OverviewRow {
  return { ...insightsRow(row), destinationCategory: row.category };
}
