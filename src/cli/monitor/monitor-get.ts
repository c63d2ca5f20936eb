import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { monitorArgument } from './monitor-argument.ts';

export const monitorGet = defineCommand({
  name: 'get',
  summary: 'show the resources and the status of a monitor',
  arguments: [monitorArgument],
  async run(call: CommandCall, monitorName: string) {
    call.printJson(await call.connect().getMonitor({ monitorName }));
  },
});
