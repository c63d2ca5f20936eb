import type { WorkloadInsightsRow, WorkloadInsightsSeries } from '../../../client/run-query.ts';
import { readOutput } from '../../../contract/response.ts';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../../model/category.ts';

export interface InsightsRow extends WorkloadInsightsRow {
  readonly destinationCategory: DestinationCategory;
}

/** What the server says of one metric. */
export interface InsightsAnswer {
  /** Greatest value first. */
  readonly rows: readonly InsightsRow[];
  /** One a zone. */
  readonly series: readonly WorkloadInsightsSeries[];
}

/**
 * The answer in a parsed body. Its rows and series are those of the queries of AWS's API and read
 * by their contract; a category a newer server may know is shown as unclassified.
 */
export function readAnswer(body: unknown): InsightsAnswer {
  const { unit, rows, series } = membersOf(body);
  const { topContributors = [] } = readOutput('GetQueryResultsWorkloadInsightsTopContributors', {
    topContributors: rows,
  });
  const { datapoints } = readOutput('GetQueryResultsWorkloadInsightsTopContributorsData', {
    unit,
    datapoints: series,
  });
  const raw: readonly unknown[] = Array.isArray(rows) ? rows : [];
  return {
    rows: topContributors.map((row, i) => ({ ...row, destinationCategory: categoryOf(raw[i]) })),
    series: datapoints,
  };
}

function categoryOf(row: unknown): DestinationCategory {
  const { destinationCategory } = membersOf(row);
  return DESTINATION_CATEGORIES.find((known) => known === destinationCategory) ?? 'UNCLASSIFIED';
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
