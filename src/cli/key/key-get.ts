import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { keyArgument, keyPath } from './key-path.ts';

export const keyGet = defineCommand({
  name: 'get',
  summary: 'show a key and its policy, without the secret',
  arguments: [keyArgument],
  async run(call: CommandCall, accessKeyId: string) {
    call.printJson(await call.request({ method: 'GET', path: keyPath(accessKeyId) }));
  },
});
