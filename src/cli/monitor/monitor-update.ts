import type { MonitorLocalResource, MonitorRemoteResource } from '../../model/monitor.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { option } from '../lib/option.ts';
import { clientTokenOption } from '../lib/shared-options.ts';
import { monitorArgument } from './monitor-argument.ts';
import { collectLocal, collectRemote } from './monitor-resource.ts';

interface UpdateOptions {
  readonly addLocal?: readonly MonitorLocalResource[];
  readonly removeLocal?: readonly MonitorLocalResource[];
  readonly addRemote?: readonly MonitorRemoteResource[];
  readonly removeRemote?: readonly MonitorRemoteResource[];
  readonly clientToken?: string;
}

export const monitorUpdate = defineCommand({
  name: 'update',
  summary: 'add or remove resources of a monitor',
  arguments: [monitorArgument],
  options: [
    option('--add-local <type=id>', 'local resource to add; repeatable', collectLocal),
    option('--remove-local <type=id>', 'local resource to remove; repeatable', collectLocal),
    option('--add-remote <type=id>', 'remote resource to add; repeatable', collectRemote),
    option('--remove-remote <type=id>', 'remote resource to remove; repeatable', collectRemote),
    clientTokenOption,
  ],
  async run(call: CommandCall<UpdateOptions>, monitorName: string) {
    const { addLocal, removeLocal, addRemote, removeRemote, clientToken } = call.options;
    const updated = await call.connect().updateMonitor({
      monitorName,
      localResourcesToAdd: addLocal,
      localResourcesToRemove: removeLocal,
      remoteResourcesToAdd: addRemote,
      remoteResourcesToRemove: removeRemote,
      clientToken,
    });
    call.printJson(updated);
  },
});
