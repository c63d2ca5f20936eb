import type { Resource, ResourceKind, ResourceOf } from './resource.ts';
import { type SourceSlice, TOPOLOGY_SOURCES, type TopologySourceName } from './source-statement.ts';
import { FOREVER, isValidAt, type Validity } from './validity.ts';

/** A resource as one slice described it, over a range of time. */
export interface ResourceVersion extends SourceSlice {
  readonly resource: Resource;
  readonly fromSeconds: number;
  /** FOREVER until a later statement of the slice changes the resource or leaves it out. */
  toSeconds: number;
}

/** A resource as all sources together describe it, over a range of time without a change. */
export interface TimedResource<Kind extends ResourceKind = ResourceKind> extends Validity {
  readonly resource: ResourceOf<Kind>;
}

export function resourceKey({ kind, id }: Pick<Resource, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

/**
 * Merges the versions of one resource into a history, in order of time and without overlaps. Where
 * several slices describe the resource, each member comes from the first slice that has it, in
 * order of TOPOLOGY_SOURCES, then of slice names.
 */
export function historyOf(versions: readonly ResourceVersion[]): readonly TimedResource[] {
  const [first] = versions;
  if (first === undefined || versions.every((version) => isSameSlice(version, first))) {
    return versions;
  }
  const cuts = new Set(versions.flatMap(({ fromSeconds, toSeconds }) => [fromSeconds, toSeconds]));
  const times = [...cuts].sort((a, b) => a - b);
  return times.slice(0, -1).flatMap((fromSeconds, i) => {
    const valid = versions.filter((version) => isValidAt(version, fromSeconds));
    if (valid.length === 0) return [];
    return [{ resource: merged(valid), fromSeconds, toSeconds: times[i + 1] ?? FOREVER }];
  });
}

/** The resource at a time; undefined when no slice describes it then. */
export function resourceAt(
  versions: readonly ResourceVersion[],
  timeSeconds: number,
): Resource | undefined {
  const valid = versions.filter((version) => isValidAt(version, timeSeconds));
  return valid.length === 0 ? undefined : merged(valid);
}

/** The source of each member of a resource at a time. */
export function sourceOfMembers(
  versions: readonly ResourceVersion[],
  timeSeconds: number,
): Readonly<Record<string, TopologySourceName>> {
  const valid = versions.filter((version) => isValidAt(version, timeSeconds)).sort(byPrecedence);
  const members = valid.toReversed().flatMap(({ resource, source }) =>
    Object.entries(resource)
      .filter(([, value]) => value !== undefined)
      .map(([member]) => [member, source] as const),
  );
  return Object.fromEntries(members);
}

function merged(valid: readonly ResourceVersion[]): Resource {
  const [only] = valid;
  if (only !== undefined && valid.length === 1) return only.resource;
  const members = [...valid]
    .sort(byPrecedence)
    .toReversed()
    .flatMap(({ resource }) => Object.entries(resource).filter(([, value]) => value !== undefined));
  // Every version is a whole resource of this kind, so the merged members are one too.
  return Object.fromEntries(members) as unknown as Resource;
}

function byPrecedence(a: SourceSlice, b: SourceSlice): number {
  const rank = TOPOLOGY_SOURCES.indexOf(a.source) - TOPOLOGY_SOURCES.indexOf(b.source);
  return rank || (a.slice < b.slice ? -1 : Number(a.slice > b.slice));
}

function isSameSlice(a: SourceSlice, b: SourceSlice): boolean {
  return a.source === b.source && a.slice === b.slice;
}
