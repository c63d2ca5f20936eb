import { invalid } from '../model/api-error.ts';

/** The change that TagResource or UntagResource makes. */
export type TagChange = { readonly add: Tags } | { readonly removeKeys: readonly string[] };

export type Tags = Readonly<Record<string, string>>;

const MAX_TAGS = 200;

/**
 * Returns the tags sorted by key, so that equal tags have equal JSON.
 *
 * @throws ApiError ValidationException for more than 200 tags, a key that does not have 1 to 128
 *   characters or begins with `aws:`, and a value of more than 256 characters
 */
export function checkTags(tags: Tags): Tags {
  const entries = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > MAX_TAGS) throw invalid(`tags: a resource has at most ${MAX_TAGS}`);
  for (const [key, value] of entries) {
    if (key === '' || [...key].length > 128) throw invalid('tags: a key has 1 to 128 characters');
    if (/^aws:/i.test(key)) throw invalid(`tags: '${key}' begins with 'aws:', which is reserved`);
    if ([...value].length > 256)
      throw invalid(`tags: the value of '${key}' has more than 256 characters`);
  }
  return Object.fromEntries(entries);
}

/**
 * Applies a change to the tags. Adding a present key replaces its value; removing an absent key
 * has no effect. Throws like `checkTags`.
 */
export function changeTags(present: Tags, change: TagChange): Tags {
  if ('add' in change) return checkTags({ ...present, ...checkTags(change.add) });
  const removed = new Set(change.removeKeys);
  return Object.fromEntries(Object.entries(present).filter(([key]) => !removed.has(key)));
}

/** Parses the tags of a row. */
export function readTags(text: string): Tags {
  return JSON.parse(text) as Tags;
}
