import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { monitorArgument } from './monitor-argument.ts';

export const monitorDelete = defineCommand({
  name: 'delete',
  summary: 'delete a monitor',
  arguments: [monitorArgument],
  async run(call: CommandCall, monitorName: string) {
    await call.connect().deleteMonitor({ monitorName });
  },
});
