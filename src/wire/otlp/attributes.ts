import { type Cursor, fixed64Tag, spanTag, varintTag } from './cursor.ts';
import { ANY_VALUE, ARRAY_VALUE, KEY_VALUE } from './fields.ts';

/** An attribute's value. Attributes of other kinds (bytes, maps) are left out. */
export type AttributeValue = string | bigint | number | boolean | readonly AttributeValue[];
export type Attributes = Map<string, AttributeValue>;

const KEY = spanTag(KEY_VALUE.key);
const VALUE = spanTag(KEY_VALUE.value);
const STRING = spanTag(ANY_VALUE.stringValue);
const BOOL = varintTag(ANY_VALUE.boolValue);
const INT = varintTag(ANY_VALUE.intValue);
const DOUBLE = fixed64Tag(ANY_VALUE.doubleValue);
const ARRAY = spanTag(ANY_VALUE.arrayValue);
const ARRAY_ITEM = spanTag(ARRAY_VALUE.values);

/** Deeper nested arrays are skipped. */
const MAX_DEPTH = 4;

/** Reads one KeyValue into `into`. The cursor must be at its length. */
export function readAttribute(cursor: Cursor, into: Attributes): void {
  const outer = cursor.enter();
  let key = '';
  let value: AttributeValue | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === KEY) key = cursor.string();
    else if (tag === VALUE) value = readValue(cursor, 0);
    else cursor.skip(tag);
  }
  cursor.leave(outer);
  if (value !== undefined) into.set(key, value);
}

/** Reads a message whose attributes have `attributeTag`, and skips its other fields. */
export function readAttributes(cursor: Cursor, attributeTag: number, into: Attributes): void {
  const outer = cursor.enter();
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === attributeTag) readAttribute(cursor, into);
    else cursor.skip(tag);
  }
  cursor.leave(outer);
}

function readValue(cursor: Cursor, depth: number): AttributeValue | undefined {
  const outer = cursor.enter();
  let value: AttributeValue | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === STRING) value = cursor.string();
    else if (tag === INT) value = cursor.int64();
    else if (tag === BOOL) value = cursor.varint() !== 0;
    else if (tag === DOUBLE) value = cursor.double();
    else if (tag === ARRAY && depth < MAX_DEPTH) value = readArray(cursor, depth + 1);
    else cursor.skip(tag);
  }
  cursor.leave(outer);
  return value;
}

function readArray(cursor: Cursor, depth: number): AttributeValue[] {
  const items: AttributeValue[] = [];
  const outer = cursor.enter();
  while (cursor.more) {
    const tag = cursor.tag();
    const item = tag === ARRAY_ITEM ? readValue(cursor, depth) : cursor.skip(tag);
    if (item !== undefined) items.push(item);
  }
  cursor.leave(outer);
  return items;
}
