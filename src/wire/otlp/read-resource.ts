import { type Attributes, readAttributes } from './attributes.ts';
import { Cursor, spanTag } from './cursor.ts';
import { EXPORT_REQUEST, RESOURCE, RESOURCE_METRICS } from './fields.ts';

const RESOURCE_METRICS_TAG = spanTag(EXPORT_REQUEST.resourceMetrics);
const RESOURCE_TAG = spanTag(RESOURCE_METRICS.resource);
const RESOURCE_ATTRIBUTE_TAG = spanTag(RESOURCE.attributes);

/**
 * Walks the outer frames of a report: the request, its resources, and the lengths of their scopes.
 * It is cheap, because it skips the contents of the scopes.
 *
 * @returns the attributes of the resources; a later one overrides an earlier one
 * @throws MalformedError
 */
export function readResource(bytes: Buffer): Attributes {
  const cursor = new Cursor(bytes);
  const attributes: Attributes = new Map();
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag !== RESOURCE_METRICS_TAG) {
      cursor.skip(tag);
      continue;
    }
    const outer = cursor.enter();
    while (cursor.more) {
      const inner = cursor.tag();
      if (inner === RESOURCE_TAG) readAttributes(cursor, RESOURCE_ATTRIBUTE_TAG, attributes);
      else cursor.skip(inner);
    }
    cursor.leave(outer);
  }
  return attributes;
}
