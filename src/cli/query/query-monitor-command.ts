import { MONITOR_METRICS } from '../../model/query.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { monitorColumns } from '../lib/contributor-columns.ts';
import { ContributorQuery, type RankedOptions } from '../lib/contributor-query.ts';
import { defineCommand } from '../lib/define-command.ts';
import { formatTable } from '../lib/format-table.ts';
import { argument } from '../lib/option.ts';
import {
  categoryOption,
  jsonOption,
  limitOption,
  metricOption,
  sinceOption,
} from '../lib/shared-options.ts';
import { jsonRow } from './json-row.ts';

export const queryMonitorCommand = defineCommand({
  name: 'monitor',
  summary: 'list the top contributors of a monitor, by flow',
  arguments: [argument('<name>', 'name of the monitor')],
  options: [
    metricOption(MONITOR_METRICS),
    categoryOption,
    sinceOption('1h'),
    limitOption('rows', 500, 100),
    jsonOption,
  ],
  async run(call: CommandCall<RankedOptions>, name: string) {
    const { context, options } = call;
    const rows = await new ContributorQuery(context, call.connect()).monitor(options, name);
    call.print(rows.map(jsonRow), () => formatTable(monitorColumns(options.metric), rows));
  },
});
