import type { Command } from 'commander';
import type { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { CliError } from './cli-error.ts';
import type { CliContext } from './context.ts';
import { formatTable } from './format-table.ts';
import { collectTag, type Tags } from './parse-options.ts';
import { printJson } from './print-json.ts';
import { onlyScope } from './scope-commands.ts';

const RESOURCE = 'scope (the only one), scope/ID, monitor/NAME or an ARN';

export function addTagCommands(program: Command, context: CliContext): void {
  const tag = program
    .command('tag')
    .description('tag a scope or monitor')
    .argument('<resource>', RESOURCE)
    .argument('<tags...>', 'KEY=VALUE; a key that is there takes the new value', collectTag)
    .action(async (resource: string, tags: Tags) => {
      const client = context.connect(tag.optsWithGlobals());
      await client.tagResource({ resourceArn: await arnOf(client, resource), tags });
    });
  const untag = program
    .command('untag')
    .description('take tags off a scope or monitor')
    .argument('<resource>', RESOURCE)
    .argument('<keys...>')
    .action(async (resource: string, tagKeys: readonly string[]) => {
      const client = context.connect(untag.optsWithGlobals());
      await client.untagResource({ resourceArn: await arnOf(client, resource), tagKeys });
    });
  program
    .command('tags')
    .description('the tags of a scope or monitor')
    .argument('<resource>', RESOURCE)
    .option('--json', 'print JSON')
    .action(async (resource: string, options: { readonly json?: true }, command: Command) => {
      const client = context.connect(command.optsWithGlobals());
      const resourceArn = await arnOf(client, resource);
      const { tags = {} } = await client.listTagsForResource({ resourceArn });
      if (options.json === true) return printJson(context.out, tags);
      return context.out.write(formatTable(COLUMNS, Object.entries(tags)));
    });
}

type Tag = readonly [key: string, value: string];

const COLUMNS = [
  { title: 'KEY', value: ([key]: Tag) => key },
  { title: 'VALUE', value: ([, value]: Tag) => value },
];

/** The ARN of what is named by the end of its ARN, which is asked for, or in full. */
async function arnOf(client: NetworkFlowMonitorClient, resource: string): Promise<string> {
  if (resource.startsWith('arn:')) return resource;
  if (resource === 'scope') return (await onlyScope(client)).scopeArn;
  const [, type, name = ''] = /^(scope|monitor)\/(.+)$/.exec(resource) ?? [];
  if (type === undefined) throw new CliError(`'${resource}' is no resource: expected ${RESOURCE}`);
  if (type === 'scope') return (await client.getScope({ scopeId: name })).scopeArn;
  return (await client.getMonitor({ monitorName: name })).monitorArn;
}
