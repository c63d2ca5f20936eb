import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable, printable } from '../lib/format-table.ts';
import { jsonOption } from '../lib/shared-options.ts';
import { type TextMembers, textColumn } from './text-column.ts';

interface TopologyStatus {
  readonly resources: Readonly<Record<string, number>>;
  readonly sources: readonly (TextMembers & { readonly resources: number })[];
  readonly warnings: readonly string[];
  readonly issues: {
    readonly counts: Readonly<Record<string, number>>;
    readonly named: readonly TextMembers[];
  };
}

/** Printed instead of two empty tables, which would look like a fault of a new server. */
const ONLY_AGENTS = `Only agents so far: each describes its own host. nfm topology lookup ADDRESS finds a host.
More is known with --aws-topology, --kubernetes or --inventory of nfm server.
`;

const SOURCE_COLUMNS: readonly Column<TopologyStatus['sources'][number]>[] = [
  textColumn('SOURCE', 'source'),
  textColumn('SLICE', 'slice'),
  { title: 'RESOURCES', align: 'right', value: ({ resources }) => String(resources) },
  textColumn('LAST READ', 'lastSuccessAt'),
  textColumn('ERROR', 'error'),
];

const KIND_COLUMNS: readonly Column<readonly [kind: string, count: number]>[] = [
  { title: 'KIND', value: ([kind]) => kind },
  { title: 'COUNT', align: 'right', value: ([, count]) => String(count) },
];

const ISSUE_COLUMNS = [textColumn('ISSUE', 'message'), textColumn('RESOLUTION', 'resolution')];

export const topologyStatus = defineCommand({
  name: 'status',
  summary: 'show the sources of the topology, their errors, and contradictions between them',
  options: [jsonOption],
  async run(call: CommandCall) {
    const status = await call.request<TopologyStatus>({ method: 'GET', path: '/topology/status' });
    call.print(status, () => statusText(status));
  },
});

function statusText({ resources, sources, warnings, issues }: TopologyStatus): string {
  if (sources.length === 0) return ONLY_AGENTS;
  const parts = [
    formatTable(SOURCE_COLUMNS, sources),
    formatTable(KIND_COLUMNS, Object.entries(resources)),
    ...warnings.map((warning) => `warning: ${printable(warning)}\n`),
    issues.named.length === 0 ? '' : formatTable(ISSUE_COLUMNS, issues.named),
  ];
  return parts.filter((part) => part !== '').join('\n');
}
