import type { NetworkFlowMonitorClient } from '../../client/network-flow-monitor-client.ts';
import { CliError } from '../lib/cli-error.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { onlyScope } from '../lib/find-scope.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { argument } from '../lib/option.ts';
import { collectTag, type Tags } from '../lib/option-parsers.ts';
import { jsonOption } from '../lib/shared-options.ts';

const RESOURCE_FORMS = 'scope (the only one), scope/ID, monitor/NAME or an ARN';
const resourceArgument = argument('<resource>', RESOURCE_FORMS);

type Tag = readonly [key: string, value: string];

const COLUMNS: readonly Column<Tag>[] = [
  { title: 'KEY', value: ([key]) => key },
  { title: 'VALUE', value: ([, value]) => value },
];

const tag = defineCommand({
  name: 'tag',
  summary: 'set tags on a scope or monitor',
  arguments: [
    resourceArgument,
    argument('<tags...>', 'KEY=VALUE; replaces the value of an existing key', collectTag),
  ],
  async run(call: CommandCall, resource: string, tags: Tags) {
    const client = call.connect();
    await client.tagResource({ resourceArn: await arnOf(client, resource), tags });
  },
});

const untag = defineCommand({
  name: 'untag',
  summary: 'remove tags from a scope or monitor',
  arguments: [resourceArgument, argument('<keys...>', 'keys of the tags to remove')],
  async run(call: CommandCall, resource: string, tagKeys: readonly string[]) {
    const client = call.connect();
    await client.untagResource({ resourceArn: await arnOf(client, resource), tagKeys });
  },
});

const tags = defineCommand({
  name: 'tags',
  summary: 'list the tags of a scope or monitor',
  arguments: [resourceArgument],
  options: [jsonOption],
  async run(call: CommandCall, resource: string) {
    const client = call.connect();
    const resourceArn = await arnOf(client, resource);
    const { tags: found = {} } = await client.listTagsForResource({ resourceArn });
    call.print(found, () => formatTable(COLUMNS, Object.entries(found)));
  },
});

export const tagCommands = [tag, untag, tags];

/** Asks the API for the ARN of a resource that is given by its short form. */
async function arnOf(client: NetworkFlowMonitorClient, resource: string): Promise<string> {
  if (resource.startsWith('arn:')) return resource;
  if (resource === 'scope') return (await onlyScope(client)).scopeArn;
  const [, type, name = ''] = /^(scope|monitor)\/(.+)$/.exec(resource) ?? [];
  if (type === undefined) {
    throw new CliError(`resource must be ${RESOURCE_FORMS}; got '${resource}'`);
  }
  if (type === 'scope') return (await client.getScope({ scopeId: name })).scopeArn;
  return (await client.getMonitor({ monitorName: name })).monitorArn;
}
