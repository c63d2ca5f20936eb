import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { scopeIdOr } from '../lib/find-scope.ts';
import { option } from '../lib/option.ts';
import { scopeArgument, waitOption } from '../lib/shared-options.ts';
import { printScope } from './print-scope.ts';
import { collectTarget, type ScopeTarget, targetResource } from './scope-target.ts';

interface UpdateOptions {
  readonly add?: readonly ScopeTarget[];
  readonly delete?: readonly ScopeTarget[];
  readonly wait?: true;
}

export const scopeUpdate = defineCommand({
  name: 'update',
  summary: 'add or delete targets of a scope',
  arguments: [scopeArgument],
  options: [
    option('--add <account[@region]>', 'account to observe; repeatable', collectTarget),
    option(
      '--delete <account[@region]>',
      'account that is no longer observed; repeatable',
      collectTarget,
    ),
    waitOption,
  ],
  async run(call: CommandCall<UpdateOptions>, given: string | undefined) {
    const { add, delete: remove, region } = call.options;
    const client = call.connect();
    const scopeId = await scopeIdOr(client, given);
    const updated = await client.updateScope({
      scopeId,
      resourcesToAdd: add?.map((target) => targetResource(target, region)),
      resourcesToDelete: remove?.map((target) => targetResource(target, region)),
    });
    await printScope(call, updated);
  },
});
