import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { type GrantOptions, grantOptions, readGrant } from './grant.ts';
import { keyArgument, keyPath } from './key-path.ts';

export const keyPolicy = defineCommand({
  name: 'policy',
  summary: 'change the permissions of a key',
  arguments: [keyArgument],
  options: grantOptions,
  async run(call: CommandCall<GrantOptions>, accessKeyId: string) {
    const body = await readGrant(call.options);
    call.printJson(await call.request({ method: 'PATCH', path: keyPath(accessKeyId), body }));
  },
});
