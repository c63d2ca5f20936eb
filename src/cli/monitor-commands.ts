import type { Command } from 'commander';
import { collect } from '../client/collect.ts';
import type { MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { CliContext } from './context.ts';
import { formatTable } from './format-table.ts';
import { collectLocal, collectRemote, collectTag, type Tags } from './parse-options.ts';
import { printJson } from './print-json.ts';
import { onlyScope } from './scope-commands.ts';

interface CreateOptions {
  readonly local: readonly MonitorLocalResource[];
  readonly remote?: readonly MonitorRemoteResource[];
  readonly scopeArn?: string;
  readonly tag?: Tags;
  readonly clientToken?: string;
}

interface UpdateOptions {
  readonly addLocal?: readonly MonitorLocalResource[];
  readonly removeLocal?: readonly MonitorLocalResource[];
  readonly addRemote?: readonly MonitorRemoteResource[];
  readonly removeRemote?: readonly MonitorRemoteResource[];
  readonly clientToken?: string;
}

export function addMonitorCommands(program: Command, context: CliContext): void {
  const monitor = program.command('monitor').description('chosen resources followed over time');
  addCreate(monitor, context);
  monitor
    .command('get')
    .description("a monitor's resources and status")
    .argument('<name>')
    .action(async (monitorName: string, _, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      printJson(context.out, await client.getMonitor({ monitorName }));
    });
  addList(monitor, context);
  addUpdate(monitor, context);
  monitor
    .command('delete')
    .description('stop following')
    .argument('<name>')
    .action(async (monitorName: string, _, command: Command) => {
      await context.connect(command.optsWithGlobals()).deleteMonitor({ monitorName });
    });
}

function addCreate(monitor: Command, context: CliContext): void {
  monitor
    .command('create')
    .description('follow the flows between local and remote resources')
    .argument('<name>')
    .requiredOption(
      '--local <type=id>',
      'vpc, subnet, az, region or cluster where agents run, repeatable',
      collectLocal,
    )
    .option(
      '--remote <type=id>',
      'vpc, subnet, az, region or service they talk to, repeatable (default: everything)',
      collectRemote,
    )
    .option('--scope-arn <arn>', 'the only scope unless given')
    .option('--tag <key=value>', 'tag, repeatable', collectTag)
    .option('--client-token <token>', 'makes repeating the command safe')
    .action(async (monitorName: string, options: CreateOptions, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const created = await client.createMonitor({
        monitorName,
        localResources: options.local,
        remoteResources: options.remote,
        scopeArn: options.scopeArn ?? (await onlyScope(client)).scopeArn,
        tags: options.tag,
        clientToken: options.clientToken,
      });
      printJson(context.out, created);
    });
}

function addUpdate(monitor: Command, context: CliContext): void {
  monitor
    .command('update')
    .description('follow more or fewer resources')
    .argument('<name>')
    .option('--add-local <type=id>', 'local resource to follow, repeatable', collectLocal)
    .option('--remove-local <type=id>', 'local resource to leave, repeatable', collectLocal)
    .option('--add-remote <type=id>', 'remote resource to follow, repeatable', collectRemote)
    .option('--remove-remote <type=id>', 'remote resource to leave, repeatable', collectRemote)
    .option('--client-token <token>', 'makes repeating the command safe')
    .action(async (monitorName: string, options: UpdateOptions, command: Command) => {
      const updated = await context.connect(command.optsWithGlobals()).updateMonitor({
        monitorName,
        localResourcesToAdd: options.addLocal,
        localResourcesToRemove: options.removeLocal,
        remoteResourcesToAdd: options.addRemote,
        remoteResourcesToRemove: options.removeRemote,
        clientToken: options.clientToken,
      });
      printJson(context.out, updated);
    });
}

function addList(monitor: Command, context: CliContext): void {
  monitor
    .command('list')
    .description('the monitors of the account and Region')
    .option('--json', 'print JSON')
    .action(async (options: { readonly json?: true }, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const monitors = await collect(client.items('ListMonitors', {}));
      if (options.json === true) return printJson(context.out, monitors);
      const columns = [
        { title: 'NAME', value: (row: (typeof monitors)[number]) => row.monitorName },
        { title: 'STATUS', value: (row: (typeof monitors)[number]) => row.monitorStatus },
        { title: 'ARN', value: (row: (typeof monitors)[number]) => row.monitorArn },
      ];
      return context.out.write(formatTable(columns, monitors));
    });
}
