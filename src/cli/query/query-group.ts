import { defineGroup } from '../lib/define-command.ts';
import { queryMonitorCommand } from './query-monitor-command.ts';
import { querySeriesCommand } from './query-series-command.ts';
import { queryWorkloadInsightsCommand } from './query-workload-insights-command.ts';

export const queryGroup = defineGroup({
  name: 'query',
  summary: 'run one query and print its rows',
  commands: [queryWorkloadInsightsCommand, queryMonitorCommand, querySeriesCommand],
});
