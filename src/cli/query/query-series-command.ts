import type { WorkloadInsightsSeries } from '../../client/run-query.ts';
import { WORKLOAD_LABELS } from '../../model/contributor-labels.ts';
import { WORKLOAD_INSIGHTS_METRICS, type WorkloadInsightsMetric } from '../../model/query.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { labelled, metricColumn } from '../lib/contributor-columns.ts';
import {
  type Categorized,
  type ContributorOptions,
  ContributorQuery,
} from '../lib/contributor-query.ts';
import { defineCommand } from '../lib/define-command.ts';
import { scopeIdOr } from '../lib/find-scope.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import {
  categoryOption,
  jsonOption,
  metricOption,
  scopeOption,
  sinceOption,
} from '../lib/shared-options.ts';
import { jsonRow } from './json-row.ts';

interface SeriesOptions extends ContributorOptions<WorkloadInsightsMetric> {
  readonly scope?: string;
}

interface Bin {
  readonly label: string;
  readonly time: Date;
  readonly value: number;
}

export const querySeriesCommand = defineCommand({
  name: 'series',
  summary: 'print a metric of a scope over time, in 5-minute bins for each Availability Zone',
  options: [
    metricOption(WORKLOAD_INSIGHTS_METRICS),
    categoryOption,
    scopeOption,
    sinceOption('1h'),
    jsonOption,
  ],
  async run(call: CommandCall<SeriesOptions>) {
    const { context, options } = call;
    const client = call.connect();
    const scopeId = await scopeIdOr(client, options.scope);
    const series = await new ContributorQuery(context, client).series(options, scopeId);
    call.print(series.map(jsonRow), () =>
      formatTable(columnsOf(options.metric), series.flatMap(binsOf)),
    );
  },
});

function binsOf({ category, row }: Categorized<WorkloadInsightsSeries>): Categorized<Bin>[] {
  return row.timestamps.map((time, i) => ({
    category,
    row: { label: row.label, time, value: row.values[i] ?? 0 },
  }));
}

function columnsOf(metric: WorkloadInsightsMetric): readonly Column<Categorized<Bin>>[] {
  return [
    { title: 'TIME', value: ({ row }) => row.time.toISOString().replace('.000Z', 'Z') },
    labelled(WORKLOAD_LABELS.localAz, ({ row }) => row.label),
    labelled(WORKLOAD_LABELS.destinationCategory, ({ category }) => category),
    metricColumn(metric),
  ];
}
