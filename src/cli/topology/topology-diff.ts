import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type Column, formatTable } from '../lib/format-table.ts';
import { argument, option } from '../lib/option.ts';
import { jsonOption, limitOption } from '../lib/shared-options.ts';

interface DiffOptions {
  readonly kind?: string;
  readonly limit: number;
}

interface Change {
  readonly change: string;
  readonly kind: string;
  readonly id: string;
  readonly members: readonly string[];
}

const COLUMNS: readonly Column<Change>[] = [
  { title: 'CHANGE', value: ({ change }) => change },
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'ID', value: ({ id }) => id },
  { title: 'MEMBERS', value: ({ members }) => members.join(', ') },
];

export const topologyDiff = defineCommand({
  name: 'diff',
  summary: 'list the resources that changed between two times',
  arguments: [
    argument('<from>', 'ISO 8601 time'),
    argument('[to]', 'ISO 8601 time (default: now)'),
  ],
  options: [
    option('--kind <kind>', 'only resources of this kind, such as subnet'),
    limitOption('changes', 1_000, 100),
    jsonOption,
  ],
  async run(call: CommandCall<DiffOptions>, from: string, to: string | undefined) {
    const { kind, limit } = call.options;
    const query = { from, to, kind, limit: String(limit) };
    const answer = await call.request<{ readonly changes: readonly Change[] }>({
      method: 'GET',
      path: '/topology/diff',
      query,
    });
    call.print(answer, () => formatTable(COLUMNS, answer.changes));
  },
});
