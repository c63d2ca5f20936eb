import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { formatTable } from '../lib/format-table.ts';
import { argument, option } from '../lib/option.ts';
import { jsonOption } from '../lib/shared-options.ts';
import { type TextMembers, textColumn } from './text-column.ts';

interface LookupOptions {
  readonly network?: string;
  readonly account?: string;
  readonly at?: string;
}

const COLUMNS = [
  textColumn('NETWORK', 'network'),
  textColumn('ACCOUNT', 'account'),
  textColumn('REGION', 'region'),
  textColumn('SUBNET', 'subnetId'),
  textColumn('ZONE', 'az'),
  textColumn('INTERFACE', 'interfaceId'),
  textColumn('INSTANCE', 'instanceId'),
  textColumn('SERVICE', 'service'),
];

export const topologyLookup = defineCommand({
  name: 'lookup',
  summary: 'find the owner of an address, in every network',
  arguments: [argument('<address>', 'IPv4 or IPv6 address')],
  options: [
    option('--network <id>', 'only in this network'),
    option('--account <id>', 'only in networks of this account'),
    option('--at <time>', 'owner at this ISO 8601 time (default: now)'),
    jsonOption,
  ],
  async run(call: CommandCall<LookupOptions>, address: string) {
    const { network, account, at } = call.options;
    const answer = await call.request<{ readonly found: readonly TextMembers[] }>({
      method: 'GET',
      path: '/topology/lookup',
      query: { address, network, account, at },
    });
    call.print(answer, () => formatTable(COLUMNS, answer.found));
  },
});
