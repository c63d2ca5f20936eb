import type { Resource, ResourceKind, ResourceOf } from './resource.ts';
import { type SourceSlice, TOPOLOGY_SOURCES, type TopologySourceName } from './source-statement.ts';
import { FOREVER, isValidAt, type Validity } from './validity.ts';

/** What a slice said of a resource, from when to when: `toSeconds` is not in it. */
export interface ResourceVersion extends SourceSlice {
  readonly resource: Resource;
  readonly fromSeconds: number;
  /** FOREVER while the slice goes on saying so; then when it no longer did. */
  toSeconds: number;
}

/** A resource as all sources together have it, over a time in which none of them changed its word. */
export interface TimedResource<Kind extends ResourceKind = ResourceKind> extends Validity {
  readonly resource: ResourceOf<Kind>;
}

export function resourceKey({ kind, id }: Pick<Resource, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

/**
 * The versions of one resource as a history: in order of time, without overlaps. Where several
 * slices speak of it, each member is that of the first who says it: by source, then by name of the slice.
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

/** A resource as it is at a time; undefined when nobody says it is there. */
export function resourceAt(
  versions: readonly ResourceVersion[],
  timeSeconds: number,
): Resource | undefined {
  const valid = versions.filter((version) => isValidAt(version, timeSeconds));
  return valid.length === 0 ? undefined : merged(valid);
}

/** Which source each member of a resource is from, at a time. */
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
  // Every version is a whole resource of this kind, so what they make together is one.
  return Object.fromEntries(members) as unknown as Resource;
}

function byPrecedence(a: SourceSlice, b: SourceSlice): number {
  const rank = TOPOLOGY_SOURCES.indexOf(a.source) - TOPOLOGY_SOURCES.indexOf(b.source);
  return rank || (a.slice < b.slice ? -1 : Number(a.slice > b.slice));
}

function isSameSlice(a: SourceSlice, b: SourceSlice): boolean {
  return a.source === b.source && a.slice === b.slice;
}
