import type { WorkloadInsightsRow, WorkloadInsightsSeries } from '../../../client/run-query.ts';
import { readOutput } from '../../../contract/response.ts';
import { DESTINATION_CATEGORIES, type DestinationCategory } from '../../../model/category.ts';

export interface InsightsRow extends WorkloadInsightsRow {
  readonly destinationCategory: DestinationCategory;
}

/** The server's answer for one metric. */
export interface InsightsAnswer {
  /** Greatest value first. */
  readonly rows: readonly InsightsRow[];
  /** One for each Availability Zone. */
  readonly series: readonly WorkloadInsightsSeries[];
}

/**
 * Reads the answer from a parsed body. Rows and series have the form of AWS's query results and are
 * read by their contract. A category that only a newer server knows becomes unclassified.
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
