import { DEFAULT_ACCOUNT } from '../config.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { option } from '../lib/option.ts';
import type { Tags } from '../lib/option-parsers.ts';
import { clientTokenOption, tagOption, waitOption } from '../lib/shared-options.ts';
import { printScope } from './print-scope.ts';
import { collectTarget, type ScopeTarget, targetResource } from './scope-target.ts';

interface CreateOptions {
  readonly target?: readonly ScopeTarget[];
  readonly tag?: Tags;
  readonly clientToken?: string;
  readonly wait?: true;
}

export const scopeCreate = defineCommand({
  name: 'create',
  summary: 'observe the flows of accounts in Regions',
  options: [
    option(
      '--target <account[@region]>',
      `account to observe; repeatable (default: ${DEFAULT_ACCOUNT})`,
      collectTarget,
    ),
    tagOption,
    clientTokenOption,
    waitOption,
  ],
  async run(call: CommandCall<CreateOptions>) {
    const { target: targets = [{ account: DEFAULT_ACCOUNT }], tag, clientToken } = call.options;
    const created = await call.connect().createScope({
      targets: targets.map((target) => targetResource(target, call.options.region)),
      tags: tag,
      clientToken,
    });
    await printScope(call, created);
  },
});
