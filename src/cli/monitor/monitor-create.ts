import type { MonitorLocalResource, MonitorRemoteResource } from '../../model/monitor.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand } from '../lib/define-command.ts';
import { onlyScope } from '../lib/find-scope.ts';
import { option } from '../lib/option.ts';
import type { Tags } from '../lib/option-parsers.ts';
import { clientTokenOption, tagOption } from '../lib/shared-options.ts';
import { monitorArgument } from './monitor-argument.ts';
import { collectLocal, collectRemote, LOCAL_TYPES, REMOTE_TYPES } from './monitor-resource.ts';

interface CreateOptions {
  readonly local: readonly MonitorLocalResource[];
  readonly remote?: readonly MonitorRemoteResource[];
  readonly scopeArn?: string;
  readonly tag?: Tags;
  readonly clientToken?: string;
}

export const monitorCreate = defineCommand({
  name: 'create',
  summary: 'track the flows between local and remote resources',
  arguments: [monitorArgument],
  options: [
    option(
      '--local <type=id>',
      `where the agents run: ${LOCAL_TYPES}; repeatable`,
      collectLocal,
    ).makeOptionMandatory(),
    option(
      '--remote <type=id>',
      `the other end: ${REMOTE_TYPES}; repeatable (default: everything)`,
      collectRemote,
    ),
    option('--scope-arn <arn>', 'ARN of the scope (default: the only scope)'),
    tagOption,
    clientTokenOption,
  ],
  async run(call: CommandCall<CreateOptions>, monitorName: string) {
    const client = call.connect();
    const { local, remote, scopeArn, tag, clientToken } = call.options;
    const created = await client.createMonitor({
      monitorName,
      localResources: local,
      remoteResources: remote,
      scopeArn: scopeArn ?? (await onlyScope(client)).scopeArn,
      tags: tag,
      clientToken,
    });
    call.printJson(created);
  },
});
