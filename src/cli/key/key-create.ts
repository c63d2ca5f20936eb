import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { option } from '../lib/option.ts';
import { accountOption } from '../lib/shared-options.ts';
import { type GrantOptions, grantOptions, readGrant } from './grant.ts';
import { KEYS_PATH } from './key-path.ts';

interface CreateOptions extends GrantOptions {
  readonly account?: string;
  readonly description?: string;
}

export const keyCreate = defineCommand({
  name: 'create',
  summary: 'create a key and print its secret, which is shown only once',
  options: [...grantOptions, accountOption, option('--description <text>', 'purpose of the key')],
  async run(call: CommandCall<CreateOptions>) {
    const { account, description } = call.options;
    const body = { account, description, ...(await readGrant(call.options)) };
    call.printJson(await call.request({ method: 'POST', path: KEYS_PATH, body }));
  },
});
