import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { scopeIdOr } from '../lib/find-scope.ts';
import { scopeArgument } from '../lib/shared-options.ts';
import { scopeState } from './scope-state.ts';

export const scopeGet = defineCommand({
  name: 'get',
  summary: 'show the status and the targets of a scope',
  arguments: [scopeArgument],
  async run(call: CommandCall, given: string | undefined) {
    const client = call.connect();
    const scopeId = await scopeIdOr(client, given);
    const scope = await client.getScope({ scopeId });
    call.printJson({ ...scope, ...(await scopeState(call, scopeId)) });
  },
});
