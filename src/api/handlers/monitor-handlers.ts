import type { OutputOf } from '../../contract/types.ts';
import type { Monitors } from '../../control/monitors.ts';
import type { Monitor } from '../../model/monitor.ts';
import type { NextTokens } from '../next-tokens.ts';
import type { Handlers } from './handlers.ts';
import { LIST_PAGE } from './scope-handlers.ts';

export interface MonitorHandlerDeps {
  readonly monitors: Pick<Monitors, 'create' | 'get' | 'list' | 'update' | 'delete'>;
  readonly tokens: NextTokens;
}

export function monitorHandlers({ monitors, tokens }: MonitorHandlerDeps) {
  return {
    CreateMonitor: async (input, owner) => {
      const monitor = await monitors.create(owner, {
        monitorName: input.monitorName,
        localResources: input.localResources,
        remoteResources: input.remoteResources ?? [],
        scopeArn: input.scopeArn,
        clientToken: input.clientToken,
        tags: input.tags ?? {},
      });
      return detailsOf(monitor);
    },
    GetMonitor: async ({ monitorName }, owner) => detailsOf(await monitors.get(owner, monitorName)),
    ListMonitors: async ({ maxResults, nextToken, monitorStatus }, owner) => {
      const subject = monitorStatus === undefined ? [] : [monitorStatus];
      const context = { operation: 'ListMonitors', owner, subject } as const;
      const page = await monitors.list(owner, {
        limit: maxResults ?? LIST_PAGE,
        after: tokens.open(context, nextToken),
        status: monitorStatus,
      });
      return { monitors: page.items.map(summaryOf), nextToken: tokens.seal(context, page.next) };
    },
    UpdateMonitor: async (input, owner) => {
      const monitor = await monitors.update(owner, input.monitorName, {
        addLocal: input.localResourcesToAdd ?? [],
        removeLocal: input.localResourcesToRemove ?? [],
        addRemote: input.remoteResourcesToAdd ?? [],
        removeRemote: input.remoteResourcesToRemove ?? [],
        clientToken: input.clientToken,
      });
      return detailsOf(monitor);
    },
    DeleteMonitor: async ({ monitorName }, owner) => {
      await monitors.delete(owner, monitorName);
      return {};
    },
  } satisfies Partial<Handlers>;
}

function summaryOf({ monitorArn, monitorName, status }: Monitor) {
  return { monitorArn, monitorName, monitorStatus: status };
}

/** AWS's output has no scopeArn, although CreateMonitor requires one. */
function detailsOf(monitor: Monitor): OutputOf<'GetMonitor'> {
  return {
    ...summaryOf(monitor),
    localResources: monitor.localResources,
    remoteResources: monitor.remoteResources,
    createdAt: new Date(monitor.createdAtMillis),
    modifiedAt: new Date(monitor.modifiedAtMillis),
    tags: monitor.tags,
  };
}
