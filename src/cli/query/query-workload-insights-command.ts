import { WORKLOAD_INSIGHTS_METRICS, type WorkloadInsightsMetric } from '../../model/query.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { workloadColumns } from '../lib/contributor-columns.ts';
import { ContributorQuery, type RankedOptions } from '../lib/contributor-query.ts';
import { defineCommand } from '../lib/define-command.ts';
import { scopeIdOr } from '../lib/find-scope.ts';
import { formatTable } from '../lib/format-table.ts';
import {
  categoryOption,
  jsonOption,
  limitOption,
  metricOption,
  scopeOption,
  sinceOption,
} from '../lib/shared-options.ts';
import { jsonRow } from './json-row.ts';

interface WorkloadOptions extends RankedOptions<WorkloadInsightsMetric> {
  readonly scope?: string;
}

export const queryWorkloadInsightsCommand = defineCommand({
  name: 'workload-insights',
  summary: 'list the top contributors of a scope, by local subnet and remote end',
  options: [
    metricOption(WORKLOAD_INSIGHTS_METRICS),
    categoryOption,
    scopeOption,
    sinceOption('1h'),
    limitOption('rows', 500, 100),
    jsonOption,
  ],
  async run(call: CommandCall<WorkloadOptions>) {
    const { context, options } = call;
    const client = call.connect();
    const scopeId = await scopeIdOr(client, options.scope);
    const rows = await new ContributorQuery(context, client).workload(options, scopeId);
    call.print(rows.map(jsonRow), () => formatTable(workloadColumns(options.metric), rows));
  },
});
