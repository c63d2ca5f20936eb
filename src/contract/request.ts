import { type OperationName, operationSpec } from './operations.ts';
import { fillPath } from './path-pattern.ts';
import { addProblem, isNumeric, type Reading, readShape, validationError } from './read-shape.ts';
import type { MemberSpec, ShapeSpec, StructureSpec } from './shape.ts';
import { shapeSpec } from './shapes.ts';
import type { InputOf } from './types.ts';
import { writeShape } from './write-shape.ts';

/** The parts of a request, not validated yet. */
export interface RequestParts {
  /** Path segments by member, still URL-encoded. */
  readonly labels: Readonly<Record<string, string>>;
  /** Decoded names and values in the order sent; names may repeat. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** The parsed JSON body; `{}` without a body. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A request about to be sent. */
export interface WireRequest {
  readonly method: string;
  /** Path and query, encoded. */
  readonly target: string;
  /** The value of the JSON body; undefined if the operation has none. */
  readonly body: unknown;
}

/** The structure with this name; throws if the shape is not a structure. */
export function structureSpec(name: string): StructureSpec {
  const spec = shapeSpec(name);
  if (spec.type !== 'structure') throw new Error(`${name} is not a structure`);
  return spec;
}

/**
 * Parses and validates the input of an operation.
 *
 * @throws ApiError ValidationException that names each invalid member and the violated constraint
 */
export function parseRequest<Name extends OperationName>(
  operation: Name,
  parts: RequestParts,
): InputOf<Name> {
  const reading: Reading = { check: 'constraints', problems: [] };
  const { input } = operationSpec(operation);
  const raw: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(structureSpec(input).members)) {
    raw[name] = rawMember(name, member, { parts, reading });
  }
  const value = reading.problems.length === 0 && readShape(input, raw, { path: '', reading });
  if (reading.problems.length > 0) throw validationError(reading.problems);
  return value as InputOf<Name>;
}

interface Source {
  readonly parts: RequestParts;
  readonly reading: Reading;
}

function rawMember(name: string, member: MemberSpec, source: Source): unknown {
  switch (member.location) {
    case 'uri':
      return rawLabel(name, source);
    case 'querystring':
      return rawQuery(name, shapeSpec(member.shape), source);
    case undefined:
      return Object.hasOwn(source.parts.body, name) ? source.parts.body[name] : undefined;
    default:
      throw new Error(`unknown location: ${member.location satisfies never}`);
  }
}

function rawLabel(name: string, { parts, reading }: Source): string | undefined {
  const label = parts.labels[name] ?? '';
  if (label === '') return addProblem(reading, name, 'not be empty');
  try {
    return decodeURIComponent(label);
  } catch {
    return addProblem(reading, name, 'be percent-encoded UTF-8');
  }
}

function rawQuery(name: string, spec: ShapeSpec, { parts, reading }: Source): unknown {
  const values = parts.query.filter(([given]) => given === name).map(([, value]) => value);
  if (values.length === 0) return undefined;
  if (spec.type === 'list') return values;
  const [value = ''] = values;
  if (values.length > 1) return addProblem(reading, name, 'be sent once');
  return isNumeric(spec) && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

/**
 * Formats a request of an operation: the reverse of `parseRequest`. The server checks constraints.
 * Only an empty path member throws here (RangeError), because the path would name another resource.
 */
export function formatRequest<Name extends OperationName>(
  operation: Name,
  input: InputOf<Name>,
): WireRequest {
  const spec = operationSpec(operation);
  const members = Object.entries(structureSpec(spec.input).members);
  const written = Object.entries(writeShape(spec.input, input) as Record<string, unknown>);
  const at = (location: string | undefined) => {
    const names = members.filter(([, m]) => m.location === location).map(([name]) => name);
    return written.filter(([name]) => names.includes(name));
  };
  const hasBody = members.some(([, member]) => member.location === undefined);
  return {
    method: spec.method,
    target:
      fillPath(spec.path, segmentOf(Object.fromEntries(at('uri')))) +
      queryString(at('querystring')),
    body: hasBody ? Object.fromEntries(at(undefined)) : undefined,
  };
}

function segmentOf(members: Readonly<Record<string, unknown>>): (label: string) => string {
  return (label) => {
    const text = String(members[label] ?? '');
    if (text === '') throw new RangeError(`${label} must not be empty`);
    return encodeUri(text);
  };
}

function queryString(members: readonly (readonly [string, unknown])[]): string {
  const pairs = members.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${name}=${encodeUri(String(item))}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** RFC 3986 encoding as in SigV4: encodes everything except unreserved characters. */
function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
