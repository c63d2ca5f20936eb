import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { option } from '../lib/option.ts';
import { limitOption } from '../lib/shared-options.ts';

interface ShowOptions {
  readonly kind?: string;
  readonly id?: string;
  readonly limit: number;
  readonly at?: string;
}

export const topologyShow = defineCommand({
  name: 'show',
  summary: 'print resources and the source that described each, as JSON',
  options: [
    option('--kind <kind>', 'only resources of this kind, such as subnet'),
    option('--id <id>', 'only the resource with this ID'),
    option('--at <time>', 'resources as they were at this ISO 8601 time (default: now)'),
    limitOption('resources', 1_000, 100),
  ],
  async run(call: CommandCall<ShowOptions>) {
    const { kind, id, limit, at } = call.options;
    const query = { kind, id, limit: String(limit), at };
    call.printJson(await call.request({ method: 'GET', path: '/topology/show', query }));
  },
});
