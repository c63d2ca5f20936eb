import { invalid } from '../model/api-error.ts';
import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import {
  checkLocalResources,
  checkRemoteResources,
  type ResourceQuotas,
} from './monitor-resources.ts';

/** The change that UpdateMonitor makes to the resources of a monitor. */
export interface MonitorChange {
  readonly addLocal: readonly MonitorLocalResource[];
  readonly removeLocal: readonly MonitorLocalResource[];
  readonly addRemote: readonly MonitorRemoteResource[];
  readonly removeRemote: readonly MonitorRemoteResource[];
}

export type MonitorResources = Pick<Monitor, 'localResources' | 'remoteResources'>;

/**
 * Applies a change to the resources of a monitor. Remaining resources keep their order, new ones
 * follow. Two resources are the same if their type and identifier are written the same: the id of
 * a VPC does not match its ARN. Undefined if nothing changes.
 *
 * @throws ApiError ValidationException for a resource in both lists, and as `checkLocalResources`
 *   and `checkRemoteResources` for the result
 */
export function changeResources(
  present: MonitorResources,
  change: MonitorChange,
  rules: { readonly owner: Owner; readonly quotas: ResourceQuotas },
): MonitorResources | undefined {
  const { localResources, remoteResources } = present;
  refuseBoth('localResources', change.addLocal, change.removeLocal);
  refuseBoth('remoteResources', change.addRemote, change.removeRemote);
  const local = changed(localResources, change.addLocal, change.removeLocal);
  const remote = changed(remoteResources, change.addRemote, change.removeRemote);
  if (local === localResources && remote === remoteResources) return undefined;
  return {
    localResources: checkLocalResources(rules.owner, local, rules.quotas),
    remoteResources: checkRemoteResources(rules.owner, remote, rules.quotas),
  };
}

/** The change in the form that repetitions of a call with one token must share. */
export function changeParameters(change: MonitorChange): unknown {
  const { addLocal, removeLocal, addRemote, removeRemote } = change;
  return [addLocal, removeLocal, addRemote, removeRemote].map((resources) => resources.map(keyOf));
}

type Resource = MonitorLocalResource | MonitorRemoteResource;

function keyOf({ type, identifier }: Resource): string {
  return `${type} ${identifier}`;
}

function refuseBoth(member: string, add: readonly Resource[], remove: readonly Resource[]): void {
  const removed = new Set(remove.map(keyOf));
  const both = add.find((resource) => removed.has(keyOf(resource)));
  if (both === undefined) return;
  throw invalid(
    `${member}ToAdd and ${member}ToRemove must not both contain '${both.identifier}' of ${both.type}`,
  );
}

/** Returns the same array if nothing changes. */
function changed<R extends Resource>(
  present: readonly R[],
  add: readonly R[],
  remove: readonly R[],
): readonly R[] {
  const removed = new Set(remove.map(keyOf));
  const kept = present.filter((resource) => !removed.has(keyOf(resource)));
  const known = new Set(present.map(keyOf));
  const fresh = add.filter((resource) => !known.has(keyOf(resource)));
  return kept.length === present.length && fresh.length === 0 ? present : [...kept, ...fresh];
}
