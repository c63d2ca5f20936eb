import type { Command } from 'commander';
import type { WorkloadInsightsSeries } from '../client/run-query.ts';
import type { MonitorMetric, WorkloadInsightsMetric } from '../model/query.ts';
import { Asker, type AskOptions } from './ask.ts';
import type { CliContext } from './context.ts';
import { type Categorized, monitorColumns, workloadColumns } from './contributor-columns.ts';
import { type Column, formatTable } from './format-table.ts';
import { formatValue } from './format-value.ts';
import {
  parseCategory,
  parseDuration,
  parseMonitorMetric,
  parseWorkloadMetric,
  wholeNumber,
} from './parse-options.ts';
import { printJson } from './print-json.ts';
import { scopeIdOr } from './scope-commands.ts';

const WORKLOAD_METRICS = 'data-transferred, retransmissions or timeouts';
const MONITOR_METRICS_HELP = `${WORKLOAD_METRICS}, or round-trip-time`;

interface QueryOptions<Metric> extends AskOptions {
  readonly metric: Metric;
  readonly scope?: string;
  readonly json?: true;
}

export function addQueryCommands(program: Command, context: CliContext): void {
  const query = program.command('query').description('ask once, print the rows');
  addWorkloadInsights(query, context);
  addMonitor(query, context);
  addSeries(query, context);
}

function addWorkloadInsights(query: Command, context: CliContext): void {
  withLimit(withQuestion(query.command('workload-insights')))
    .description('top contributors of a scope, by subnet')
    .option('--metric <metric>', WORKLOAD_METRICS, parseWorkloadMetric, 'DATA_TRANSFERRED')
    .option('--scope <id>', 'the only scope unless given')
    .action(async (options: QueryOptions<WorkloadInsightsMetric>, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const scopeId = await scopeIdOr(client, options.scope);
      const rows = await new Asker(context, client).workload(options, scopeId);
      print(context, options, { columns: workloadColumns(options.metric), rows });
    });
}

function addMonitor(query: Command, context: CliContext): void {
  withLimit(withQuestion(query.command('monitor')))
    .description('top contributors of a monitor, by flow')
    .argument('<name>')
    .option('--metric <metric>', MONITOR_METRICS_HELP, parseMonitorMetric, 'DATA_TRANSFERRED')
    .action(async (name: string, options: QueryOptions<MonitorMetric>, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const rows = await new Asker(context, client).monitor(options, name);
      print(context, options, { columns: monitorColumns(options.metric), rows });
    });
}

function addSeries(query: Command, context: CliContext): void {
  withQuestion(query.command('series'))
    .description('a scope over time, in 5-minute bins per availability zone')
    .option('--metric <metric>', WORKLOAD_METRICS, parseWorkloadMetric, 'DATA_TRANSFERRED')
    .option('--scope <id>', 'the only scope unless given')
    .action(async (options: QueryOptions<WorkloadInsightsMetric>, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const scopeId = await scopeIdOr(client, options.scope);
      const series = await new Asker(context, client).series(options, scopeId);
      if (options.json === true) return printJson(context.out, series.map(jsonRow));
      return context.out.write(formatTable(seriesColumns(options.metric), series.flatMap(bins)));
    });
}

function withQuestion(command: Command): Command {
  return command
    .option('--category <name>', 'destination category, or all', parseCategory, 'all')
    .option('--since <duration>', 'how far back, such as 5m (default: 1h)', parseDuration)
    .option('--json', 'print JSON');
}

function withLimit(command: Command): Command {
  return command.option('--limit <rows>', '1 to 500', wholeNumber(1, 500), 100);
}

function print<Row>(
  context: CliContext,
  options: { readonly json?: true },
  table: {
    readonly columns: readonly Column<Categorized<Row>>[];
    readonly rows: readonly Categorized<Row>[];
  },
): void {
  if (options.json === true) printJson(context.out, table.rows.map(jsonRow));
  else context.out.write(formatTable(table.columns, table.rows));
}

/** The row as the API answers it, and the category that was asked for. */
function jsonRow<Row>({ category, row }: Categorized<Row>) {
  return { destinationCategory: category, ...row };
}

interface Bin {
  readonly label: string;
  readonly time: Date;
  readonly value: number;
}

function bins({ category, row }: Categorized<WorkloadInsightsSeries>): Categorized<Bin>[] {
  return row.timestamps.map((time, i) => ({
    category,
    row: { label: row.label, time, value: row.values[i] ?? 0 },
  }));
}

function seriesColumns(metric: WorkloadInsightsMetric): readonly Column<Categorized<Bin>>[] {
  return [
    { title: 'TIME', value: ({ row }) => row.time.toISOString().replace('.000Z', 'Z') },
    { title: 'AZ', value: ({ row }) => row.label },
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: metric, align: 'right', value: ({ row }) => formatValue(metric, row.value) },
  ];
}
