import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { keyArgument, keyPath } from './key-path.ts';

function statusCommand(name: string, status: string, summary: string) {
  return defineCommand({
    name,
    summary,
    arguments: [keyArgument],
    async run(call: CommandCall, accessKeyId: string) {
      const body = { status };
      call.printJson(await call.request({ method: 'PATCH', path: keyPath(accessKeyId), body }));
    },
  });
}

export const keyEnable = statusCommand(
  'enable',
  'ENABLED',
  'accept requests signed with a key again',
);
export const keyDisable = statusCommand('disable', 'DISABLED', 'reject requests signed with a key');
