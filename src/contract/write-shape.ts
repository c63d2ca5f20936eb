import { isRecord } from './read-shape.ts';
import type { StructureSpec, TimestampSpec } from './shape.ts';
import { shapeSpec } from './shapes.ts';

/**
 * Converts a typed value to JSON values: timestamps become ISO 8601 with Z or epoch seconds, as the
 * shape declares; `bigint` stays, for an encoder that writes it exactly. Drops absent members and
 * members that the shape does not have, so no internal property leaks into an answer.
 */
export function writeShape(name: string, value: unknown): unknown {
  const spec = shapeSpec(name);
  switch (spec.type) {
    case 'timestamp':
      return value instanceof Date ? writeTimestamp(spec, value) : wrongType(name);
    case 'list':
      return Array.isArray(value)
        ? value.map((item) => writeShape(spec.member, item))
        : wrongType(name);
    case 'map':
      return isRecord(value) ? writeMap(spec.value, value) : wrongType(name);
    case 'structure':
      return isRecord(value) ? writeStructure(spec, value, name) : wrongType(name);
    default:
      return value;
  }
}

function writeTimestamp(spec: TimestampSpec, value: Date): string | number {
  if (spec.timestampFormat === undefined) return value.getTime() / 1000;
  return value.toISOString().replace('.000Z', 'Z');
}

function writeMap(valueShape: string, value: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, writeShape(valueShape, item)]),
  );
}

function writeStructure(
  spec: StructureSpec,
  value: Readonly<Record<string, unknown>>,
  name: string,
): unknown {
  const written: Record<string, unknown> = {};
  for (const [member, { shape }] of Object.entries(spec.members)) {
    const item = value[member];
    if (item !== undefined) written[member] = writeShape(shape, item);
    else if (spec.required?.includes(member) === true) {
      throw new Error(`cannot write ${name}: ${member} is missing`);
    }
  }
  return written;
}

function wrongType(name: string): never {
  throw new Error(`cannot write ${name}: the value has another type`);
}
