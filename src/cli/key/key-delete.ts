import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { keyArgument, keyPath } from './key-path.ts';

export const keyDelete = defineCommand({
  name: 'delete',
  summary: 'delete a key permanently',
  arguments: [keyArgument],
  async run(call: CommandCall, accessKeyId: string) {
    await call.request({ method: 'DELETE', path: keyPath(accessKeyId) });
  },
});
