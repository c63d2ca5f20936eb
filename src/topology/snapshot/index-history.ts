import type { ResourceKind, ResourceOf } from '../graph/resource.ts';
import type { Validity } from '../graph/validity.ts';
import { readPrefix } from './binary-address.ts';
import type { History } from './histories.ts';
import type { PrefixIndex } from './prefix-index.ts';

/** A prefix that a version of a resource puts into an index. */
export interface IndexedPrefix {
  readonly space: number;
  /** A prefix or address as text. */
  readonly prefix: string;
  readonly value: number;
}

/**
 * Adds the prefixes of all versions of a resource to an index, and returns the unreadable ones. A
 * prefix that consecutive versions share becomes one entry, so an interface whose pods come and go
 * does not add all its addresses again with each version.
 */
export function indexHistory<Kind extends ResourceKind>(
  index: PrefixIndex,
  history: History<Kind>,
  prefixesOf: (resource: ResourceOf<Kind>, version: number) => readonly IndexedPrefix[],
): readonly string[] {
  const unreadable: string[] = [];
  let open = new Map<string, number>();
  let lastSeconds = -1;
  for (const [i, version] of history.entries()) {
    const next = new Map<string, number>();
    const before = lastSeconds === version.fromSeconds ? open : NOTHING;
    for (const item of prefixesOf(version.resource, i)) {
      const key = `${item.space} ${item.prefix} ${item.value}`;
      const known = before.get(key);
      if (known !== undefined) index.extend(known, version.toSeconds);
      const entry = known ?? addPrefix(index, item, version);
      if (entry === undefined) unreadable.push(item.prefix);
      else if (history.length > 1) next.set(key, entry);
    }
    open = next;
    lastSeconds = version.toSeconds;
  }
  return unreadable;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** Returns undefined for text that is not a prefix. */
function addPrefix(
  index: PrefixIndex,
  { space, prefix: text, value }: IndexedPrefix,
  { fromSeconds, toSeconds }: Validity,
): number | undefined {
  const prefix = readPrefix(text);
  return prefix && index.add({ space, prefix, value, fromSeconds, toSeconds });
}
