import type { Command } from 'commander';
import type { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { type MonitorMetric, WORKLOAD_INSIGHTS_METRICS } from '../model/query.ts';
import { Asker, type AskOptions } from './ask.ts';
import { CliError } from './cli-error.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { monitorColumns, workloadColumns } from './contributor-columns.ts';
import { formatTable } from './format-table.ts';
import { parseCategory, parseDuration, parseMonitorMetric, wholeNumber } from './parse-options.ts';
import { scopeIdOr } from './scope-commands.ts';

/** Cursor home, and clear from there: redraws without the flicker of clearing first. */
const REDRAW = '\u001b[H\u001b[J';

interface TopOptions extends AskOptions, GlobalOptions {
  readonly metric: MonitorMetric;
  readonly monitor?: string;
  readonly scope?: string;
  readonly since: number;
  /** Seconds. */
  readonly interval: number;
  readonly once?: true;
}

export function addTopCommand(program: Command, context: CliContext): void {
  program
    .command('top')
    .description('live table of the top contributors')
    .option(
      '--metric <metric>',
      'data-transferred, retransmissions, timeouts, or of a monitor round-trip-time',
      parseMonitorMetric,
      'DATA_TRANSFERRED',
    )
    .option('--category <name>', 'destination category, or all', parseCategory, 'all')
    .option('--monitor <name>', "a monitor's flows instead of the scope's subnets")
    .option('--scope <id>', 'the only scope unless given')
    .option('--since <duration>', 'how far back (default: 5m)', parseDuration)
    .option('--interval <seconds>', 'between two looks', wholeNumber(1, 3600), 5)
    .option('--limit <rows>', '1 to 500', wholeNumber(1, 500), 20)
    .option('--once', 'print one table and end')
    .action(async (_, command: Command) => {
      const given = command.optsWithGlobals<TopOptions>();
      const options = { ...given, since: given.since ?? 300 };
      try {
        await run(context, options, await chooseTable(context, options));
      } catch (error) {
        // Ctrl-C is how one ends it.
        if (!context.signal.aborted) throw error;
      }
    });
}

/** One look: the table as text. */
type Look = () => Promise<string>;

async function chooseTable(context: CliContext, options: TopOptions): Promise<Look> {
  const client = context.connect(options);
  return options.monitor === undefined
    ? scopeTable(context, options, client)
    : monitorTable(new Asker(context, client), options, options.monitor);
}

function monitorTable(asker: Asker, options: TopOptions, monitorName: string): Look {
  return async () => {
    const rows = await asker.monitor(options, monitorName);
    return formatTable(monitorColumns(options.metric), rows);
  };
}

async function scopeTable(
  context: CliContext,
  options: TopOptions,
  client: NetworkFlowMonitorClient,
): Promise<Look> {
  const metric = WORKLOAD_INSIGHTS_METRICS.find((known) => known === options.metric);
  if (metric === undefined) {
    throw new CliError(`${options.metric} is measured for monitors only: add --monitor NAME`);
  }
  const scopeId = await scopeIdOr(client, options.scope);
  const asker = new Asker(context, client);
  return async () => {
    const rows = await asker.workload({ ...options, metric }, scopeId);
    return formatTable(workloadColumns(metric), rows);
  };
}

/** Looks again and again until Ctrl-C, or once; where nobody watches, the tables follow each other. */
async function run(context: CliContext, options: TopOptions, look: Look): Promise<void> {
  const { out, clock, signal } = context;
  const redraw = out.isTerminal && options.once !== true;
  while (!signal.aborted) {
    const table = await look();
    const time = new Date(clock.now()).toISOString().slice(0, 19);
    const title = `${time}Z  ${options.metric} of the last ${options.since} s\n`;
    out.write(`${redraw ? REDRAW : ''}${title}${table}`);
    if (options.once === true) return;
    if (!redraw) out.write('\n');
    await context.sleep(options.interval * 1000, signal);
  }
}
