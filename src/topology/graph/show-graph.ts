import type { Resource, ResourceKind } from './resource.ts';
import { type ResourceVersion, resourceAt, sourceOfMembers } from './resource-version.ts';
import type { TopologySourceName } from './source-statement.ts';
import { isValidAt, type Validity } from './validity.ts';

type Versions = readonly ResourceVersion[];

/** A resource as it was at a time, with the source of each member. */
export interface ShownResource {
  readonly resource: Resource;
  readonly fromSeconds: number;
  readonly saidBy: Readonly<Record<string, TopologySourceName>>;
}

export interface GraphFilter {
  readonly kind?: ResourceKind | undefined;
  readonly id?: string | undefined;
  readonly limit: number;
}

/** The resources that existed at a time, up to the limit, and how many there were in all. */
export function showGraph(
  histories: Iterable<Versions>,
  timeSeconds: number,
  filter: GraphFilter,
): { readonly resources: readonly ShownResource[]; readonly count: number } {
  const { items, count } = collect(histories, filter, (versions) => {
    const resource = resourceAt(versions, timeSeconds);
    return resource && (() => shown(resource, versions, timeSeconds));
  });
  return { resources: items, count };
}

function shown(resource: Resource, versions: Versions, timeSeconds: number): ShownResource {
  const valid = versions.filter((version) => isValidAt(version, timeSeconds));
  const fromSeconds = Math.max(...valid.map((version) => version.fromSeconds));
  return { resource, fromSeconds, saidBy: sourceOfMembers(versions, timeSeconds) };
}

export interface GraphChange {
  readonly change: 'added' | 'removed' | 'changed';
  readonly kind: ResourceKind;
  readonly id: string;
  /** The members that differ; empty for added and removed resources. */
  readonly members: readonly string[];
}

/** The differences between two times, up to the limit, and how many there are in all. */
export function diffGraph(
  histories: Iterable<Versions>,
  times: Validity,
  filter: GraphFilter,
): { readonly changes: readonly GraphChange[]; readonly count: number } {
  const { items, count } = collect(histories, filter, (versions) => {
    const before = resourceAt(versions, times.fromSeconds);
    const change = changeOf(before, resourceAt(versions, times.toSeconds));
    return change && (() => change);
  });
  return { changes: items, count };
}

/** The number of resources of each kind at a time. */
export function countGraph(
  histories: Iterable<Versions>,
  timeSeconds: number,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const versions of histories) {
    const kind = versions.find((version) => isValidAt(version, timeSeconds))?.resource.kind;
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Counts all matches of a filter, and makes the items of those within its limit. */
function collect<Item>(
  histories: Iterable<Versions>,
  filter: GraphFilter,
  match: (versions: Versions) => (() => Item) | undefined,
): { readonly items: readonly Item[]; readonly count: number } {
  const items: Item[] = [];
  let count = 0;
  for (const versions of histories) {
    const make = matchesFilter(versions, filter) ? match(versions) : undefined;
    if (make === undefined) continue;
    count += 1;
    if (count <= filter.limit) items.push(make());
  }
  return { items, count };
}

function matchesFilter(versions: Versions, { kind, id }: GraphFilter): boolean {
  const resource = versions[0]?.resource;
  return (
    (kind === undefined || kind === resource?.kind) && (id === undefined || id === resource?.id)
  );
}

function changeOf(before?: Resource, after?: Resource): GraphChange | undefined {
  const known = after ?? before;
  if (known === undefined) return undefined;
  const { kind, id } = known;
  if (before === undefined) return { change: 'added', kind, id, members: [] };
  if (after === undefined) return { change: 'removed', kind, id, members: [] };
  const members = changedMembers(before, after);
  return members.length === 0 ? undefined : { change: 'changed', kind, id, members };
}

function changedMembers(before: Resource, after: Resource): string[] {
  const [one, other] = [membersOf(before), membersOf(after)];
  return [...new Set([...one.keys(), ...other.keys()])].filter(
    (member) => one.get(member) !== other.get(member),
  );
}

function membersOf(resource: Resource): Map<string, string> {
  return new Map(Object.entries(resource).map(([name, value]) => [name, JSON.stringify(value)]));
}
