import { ApiError } from '../model/api-error.ts';

/** What TagResource and UntagResource do to the tags of a scope or monitor. */
export type TagChange = { readonly add: Tags } | { readonly removeKeys: readonly string[] };

export type Tags = Readonly<Record<string, string>>;

const MAX_TAGS = 200;

/**
 * The tags sorted by key, so that equal ones compare equal. Throws ValidationException for more than
 * 200, keys not of 1 to 128 characters or in AWS's own name space, values beyond 256 characters.
 */
export function checkTags(tags: Tags): Tags {
  const entries = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > MAX_TAGS) throw invalid(`tags: at most ${MAX_TAGS}`);
  for (const [key, value] of entries) {
    if (key === '' || [...key].length > 128) throw invalid('tags: keys have 1 to 128 characters');
    if (/^aws:/i.test(key)) throw invalid(`tags: '${key}' begins with 'aws:', which is reserved`);
    if ([...value].length > 256)
      throw invalid(`tags: the value of '${key}' has over 256 characters`);
  }
  return Object.fromEntries(entries);
}

/**
 * The tags with a change applied: a key that is there takes its new value, one to be removed that is
 * not there is no fault. Throws ValidationException as `checkTags` does.
 */
export function changeTags(present: Tags, change: TagChange): Tags {
  if ('add' in change) return checkTags({ ...present, ...checkTags(change.add) });
  const removed = new Set(change.removeKeys);
  return Object.fromEntries(Object.entries(present).filter(([key]) => !removed.has(key)));
}

/** Reads back what was stored as JSON. */
export function readTags(text: string): Tags {
  return JSON.parse(text) as Tags;
}

function invalid(message: string): ApiError {
  return new ApiError('ValidationException', message);
}
