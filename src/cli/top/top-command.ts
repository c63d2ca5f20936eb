import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import { METRIC_LABEL, MONITOR_METRICS, WORKLOAD_INSIGHTS_METRICS } from '../../model/query.ts';
import type { CliContext } from '../lib/cli-context.ts';
import { CliError } from '../lib/cli-error.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { monitorColumns, workloadColumns } from '../lib/contributor-columns.ts';
import { ContributorQuery, type RankedOptions } from '../lib/contributor-query.ts';
import { defineCommand } from '../lib/define-command.ts';
import { scopeIdOr } from '../lib/find-scope.ts';
import { formatTable } from '../lib/format-table.ts';
import { option } from '../lib/option.ts';
import { optionName, parseInteger } from '../lib/option-parsers.ts';
import {
  categoryOption,
  limitOption,
  metricOption,
  scopeOption,
  sinceOption,
} from '../lib/shared-options.ts';

/** Moves the cursor home, then clears from there. Clearing first would flicker. */
const REDRAW = '\u001b[H\u001b[J';

interface TopOptions extends RankedOptions {
  readonly monitor?: string;
  readonly scope?: string;
  /** Seconds. */
  readonly interval: number;
  readonly once?: true;
}

export const topCommand = defineCommand({
  name: 'top',
  summary: 'show a live table of the top contributors until Ctrl-C',
  options: [
    metricOption(MONITOR_METRICS),
    categoryOption,
    option(
      '--monitor <name>',
      'show the flows of this monitor instead of the subnets of the scope',
    ),
    scopeOption,
    sinceOption('5m'),
    option(
      '--interval <seconds>',
      'seconds between two refreshes, 1 to 3600',
      parseInteger(1, 3600),
    ).default(5),
    limitOption('rows', 500, 20),
    option('--once', 'print one table and exit'),
  ],
  async run(call: CommandCall<TopOptions>) {
    const { context, options } = call;
    try {
      await refresh(context, options, await chooseTable(context, options, call.connect()));
    } catch (error) {
      // Ctrl-C is the normal end of a live table.
      if (!context.signal.aborted) throw error;
    }
  },
});

/** Queries once and formats the rows. */
type ReadTable = () => Promise<string>;

async function chooseTable(
  context: CliContext,
  options: TopOptions,
  client: NetworkFlowMonitorClient,
): Promise<ReadTable> {
  const query = new ContributorQuery(context, client);
  const { monitor } = options;
  if (monitor !== undefined) {
    return async () =>
      formatTable(monitorColumns(options.metric), await query.monitor(options, monitor));
  }
  const metric = WORKLOAD_INSIGHTS_METRICS.find((known) => known === options.metric);
  if (metric === undefined) {
    throw new CliError(
      `--metric ${optionName(options.metric)} exists for monitors only; add --monitor NAME`,
    );
  }
  const scopeId = await scopeIdOr(client, options.scope);
  return async () =>
    formatTable(workloadColumns(metric), await query.workload({ ...options, metric }, scopeId));
}

/** Prints the table until Ctrl-C, or once with `--once`. Only a terminal is redrawn. */
async function refresh(context: CliContext, options: TopOptions, read: ReadTable): Promise<void> {
  const { out, clock, signal } = context;
  const redraw = out.isTerminal && options.once !== true;
  while (!signal.aborted) {
    const table = await read();
    const time = new Date(clock.now()).toISOString().slice(0, 19);
    const title = `${time}Z  ${METRIC_LABEL[options.metric]} in the last ${options.since} s\n`;
    out.write(`${redraw ? REDRAW : ''}${title}${table}`);
    if (options.once === true) return;
    if (!redraw) out.write('\n');
    await context.sleep(options.interval * 1000, signal);
  }
}
