import { ApiError } from '../model/api-error.ts';
import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import {
  checkLocalResources,
  checkRemoteResources,
  type ResourceQuotas,
} from './monitor-resources.ts';

/** What UpdateMonitor is asked to do with a monitor's resources. */
export interface MonitorChange {
  readonly addLocal: readonly MonitorLocalResource[];
  readonly removeLocal: readonly MonitorLocalResource[];
  readonly addRemote: readonly MonitorRemoteResource[];
  readonly removeRemote: readonly MonitorRemoteResource[];
}

export type MonitorResources = Pick<Monitor, 'localResources' | 'remoteResources'>;

/**
 * The resources of a monitor with a change applied: what stays keeps its order, what is new comes
 * after it. A resource is the one that is written the same: a VPC's id is not its ARN. Undefined
 * when nothing changes. Throws ValidationException for a resource in both lists, and what
 * `checkLocalResources` and `checkRemoteResources` throw for the outcome.
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

/** The change as what two calls with one token must have in common. */
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
  throw new ApiError(
    'ValidationException',
    `${member}ToAdd, ${member}ToRemove: both name '${both.identifier}' of ${both.type}`,
  );
}

/** The same array when nothing changes. */
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
