import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { argument, option } from '../lib/option.ts';
import { jsonOption } from '../lib/shared-options.ts';
import { type TextMembers, textColumn } from './text-column.ts';

interface PathOptions {
  readonly network?: string;
  readonly account?: string;
  readonly at?: string;
}

interface PathAnswer {
  readonly there: Route;
  readonly back?: Route;
}

interface Route {
  readonly constructs: readonly TextMembers[];
  readonly snatAddress: string;
  readonly dnatAddress: string;
}

const STEP_COLUMNS: readonly Column<TextMembers>[] = [
  { title: 'STEP', value: ({ componentId, serviceName }) => componentId ?? serviceName ?? '' },
  textColumn('TYPE', 'componentType'),
];

export const topologyPath = defineCommand({
  name: 'path',
  summary: 'show the path from one address to another and back',
  arguments: [argument('<from>', 'IPv4 or IPv6 address'), argument('<to>', 'IPv4 or IPv6 address')],
  options: [
    option('--network <id>', 'network of the first address, where several networks have it'),
    option('--account <id>', 'account of that network, where several accounts have it'),
    option('--at <time>', 'path at this ISO 8601 time (default: now)'),
    jsonOption,
  ],
  async run(call: CommandCall<PathOptions>, from: string, to: string) {
    const { network, account, at } = call.options;
    const query = { from, to, network, account, at };
    const answer = await call.request<PathAnswer>({ method: 'GET', path: '/topology/path', query });
    call.print(answer, () => pathText(answer));
  },
});

function pathText({ there, back }: PathAnswer): string {
  const steps = formatTable(STEP_COLUMNS, there.constructs);
  const snat = there.snatAddress === '' ? '' : `\nsource address after NAT: ${there.snatAddress}\n`;
  const dnat =
    there.dnatAddress === '' ? '' : `\ndestination address after NAT: ${there.dnatAddress}\n`;
  const route = `${steps}${snat}${dnat}`;
  if (back === undefined) return route;
  return `${route}\nreturn path:\n${formatTable(STEP_COLUMNS, back.constructs)}`;
}
