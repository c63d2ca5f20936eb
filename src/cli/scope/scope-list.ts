import { collect } from '../../client/collect.ts';
import type { ItemOf } from '../../client/network-flow-monitor-client.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import type { Column } from '../lib/format-table.ts';
import { jsonOption } from '../lib/shared-options.ts';

const COLUMNS: readonly Column<ItemOf<'ListScopes'>>[] = [
  { title: 'SCOPE ID', value: ({ scopeId }) => scopeId },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ARN', value: ({ scopeArn }) => scopeArn },
];

export const scopeList = defineCommand({
  name: 'list',
  summary: 'list the scopes of the account and Region',
  options: [jsonOption],
  async run(call: CommandCall) {
    call.printRows(COLUMNS, await collect(call.connect().items('ListScopes', {})));
  },
});
