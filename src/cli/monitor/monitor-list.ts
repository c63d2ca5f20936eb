import { collect } from '../../client/collect.ts';
import type { ItemOf } from '../../client/network-flow-monitor-client.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import type { Column } from '../lib/format-table.ts';
import { jsonOption } from '../lib/shared-options.ts';

const COLUMNS: readonly Column<ItemOf<'ListMonitors'>>[] = [
  { title: 'NAME', value: ({ monitorName }) => monitorName },
  { title: 'STATUS', value: ({ monitorStatus }) => monitorStatus },
  { title: 'ARN', value: ({ monitorArn }) => monitorArn },
];

export const monitorList = defineCommand({
  name: 'list',
  summary: 'list the monitors of the account and Region',
  options: [jsonOption],
  async run(call: CommandCall) {
    call.printRows(COLUMNS, await collect(call.connect().items('ListMonitors', {})));
  },
});
