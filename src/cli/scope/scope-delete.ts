import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { argument } from '../lib/option.ts';

export const scopeDelete = defineCommand({
  name: 'delete',
  summary: 'delete a scope that has no monitors',
  arguments: [argument('<scopeId>', 'ID of the scope')],
  async run(call: CommandCall, scopeId: string) {
    await call.connect().deleteScope({ scopeId });
  },
});
