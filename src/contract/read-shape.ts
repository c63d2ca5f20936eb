import { ApiError } from '../model/api-error.ts';
import type {
  ListSpec,
  MapSpec,
  NumberSpec,
  ShapeSpec,
  StringSpec,
  StructureSpec,
} from './shape.ts';
import { shapeSpec } from './shapes.ts';

/** The maximum number of reported problems; further ones are dropped. */
const MAX_PROBLEMS = 10;

const NOT_TEXT = /\0|\p{Surrogate}/u;
const ISO_8601 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/i;
const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

export interface Reading {
  /**
   * `constraints` for requests: every constraint must hold. `types` for answers: only types are
   * checked, because a newer server may return values that we do not know.
   */
  readonly check: 'constraints' | 'types';
  /** Problems found so far, in AWS's wording. */
  readonly problems: string[];
}

/** Reports that the member at `path` violates a constraint, without quoting its value. */
export function addProblem(reading: Reading, path: string, constraint: string): undefined {
  if (reading.problems.length < MAX_PROBLEMS) {
    const place = path === '' ? 'Value' : `Value at '${path}'`;
    reading.problems.push(`${place} failed to satisfy constraint: Member must ${constraint}`);
  }
  return undefined;
}

/** A ValidationException with all problems, in the format of AWS services. */
export function validationError(problems: readonly string[]): ApiError {
  const errors =
    problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  return new ApiError('ValidationException', `${errors} detected: ${problems.join('; ')}`);
}

/**
 * Converts parsed JSON to the typed value of a shape: timestamps become `Date`, longs `bigint`.
 * Ignores unknown members; a null member counts as absent. Returns undefined and reports a problem
 * if the value does not have the shape.
 */
export function readShape(name: string, raw: unknown, place: Place): unknown {
  const spec = shapeSpec(name);
  switch (spec.type) {
    case 'string':
      return readString(spec, raw, place);
    case 'integer':
    case 'double':
      return readNumber(spec, raw, place);
    case 'long':
      return readLong(raw, place);
    case 'timestamp':
      return readTimestamp(raw, place);
    case 'list':
      return readList(spec, raw, place);
    case 'map':
      return readMap(spec, raw, place);
    case 'structure':
      return readStructure(spec, raw, place);
    default:
      throw new Error(`unknown type of shape: ${JSON.stringify(spec satisfies never)}`);
  }
}

export interface Place {
  /** Member path such as `targets[0].region`; "" for the whole value. */
  readonly path: string;
  readonly reading: Reading;
}

function problem(place: Place, constraint: string): undefined {
  return addProblem(place.reading, place.path, constraint);
}

function strict(place: Place): boolean {
  return place.reading.check === 'constraints';
}

function readString(spec: StringSpec, raw: unknown, place: Place): string | undefined {
  if (typeof raw !== 'string') return problem(place, 'be a string');
  if (!strict(place)) return raw;
  if (spec.enum !== undefined && !spec.enum.includes(raw)) {
    return problem(place, `satisfy enum value set: [${spec.enum.join(', ')}]`);
  }
  // A database may reject these characters, and no name or identifier needs them.
  if (NOT_TEXT.test(raw)) return problem(place, 'be Unicode text without NUL');
  if (!lengthFits(spec, [...raw].length, place)) return undefined;
  if (spec.pattern !== undefined && !new RegExp(`^(?:${spec.pattern})$`, 'u').test(raw)) {
    return problem(place, `satisfy regular expression pattern: ${spec.pattern}`);
  }
  return raw;
}

function lengthFits(
  spec: { readonly min?: number; readonly max?: number },
  length: number,
  place: Place,
): boolean {
  if (spec.min !== undefined && length < spec.min) {
    problem(place, `have length greater than or equal to ${spec.min}`);
    return false;
  }
  if (spec.max !== undefined && length > spec.max) {
    problem(place, `have length less than or equal to ${spec.max}`);
    return false;
  }
  return true;
}

function readNumber(spec: NumberSpec, raw: unknown, place: Place): number | undefined {
  if (typeof raw !== 'number') return problem(place, `be a number of type ${spec.type}`);
  if (spec.type === 'integer') {
    if (!Number.isInteger(raw)) return problem(place, 'be a whole number');
    if (raw < INT32.min || raw > INT32.max) return problem(place, 'be a 32-bit integer');
  }
  if (!strict(place)) return raw;
  if (spec.min !== undefined && raw < spec.min) {
    return problem(place, `have value greater than or equal to ${spec.min}`);
  }
  if (spec.max !== undefined && raw > spec.max) {
    return problem(place, `have value less than or equal to ${spec.max}`);
  }
  return raw;
}

/** The exact JSON parser returns integers beyond 2^53 as strings of digits. */
function readLong(raw: unknown, place: Place): bigint | undefined {
  if (typeof raw === 'number' && Number.isSafeInteger(raw)) return BigInt(raw);
  if (typeof raw === 'string' && /^-?\d{1,20}$/.test(raw)) return BigInt(raw);
  return problem(place, 'be a 64-bit integer');
}

/** Reads ISO 8601 with a zone, or epoch seconds as a number. */
function readTimestamp(raw: unknown, place: Place): Date | undefined {
  if (typeof raw === 'number') return checkedDate(Math.round(raw * 1000), place);
  if (typeof raw === 'string' && ISO_8601.test(raw)) return checkedDate(Date.parse(raw), place);
  return problem(place, 'be a timestamp: ISO 8601 such as 2025-11-01T12:00:00Z, or epoch seconds');
}

function checkedDate(millis: number, place: Place): Date | undefined {
  const inRange = millis >= 0 && millis < Date.UTC(10_000, 0);
  return inRange ? new Date(millis) : problem(place, 'be a timestamp from 1970 to 9999');
}

function readList(spec: ListSpec, raw: unknown, place: Place): unknown[] | undefined {
  if (!Array.isArray(raw)) return problem(place, 'be a list');
  if (strict(place) && !lengthFits(spec, raw.length, place)) return undefined;
  return raw.map((item, i) => {
    const at = { ...place, path: `${place.path}[${i}]` };
    return item === null ? problem(at, 'not be null') : readShape(spec.member, item, at);
  });
}

function readMap(spec: MapSpec, raw: unknown, place: Place): unknown {
  if (!isRecord(raw)) return problem(place, 'be a map');
  const entries = Object.entries(raw);
  if (strict(place) && !lengthFits(spec, entries.length, place)) return undefined;
  return Object.fromEntries(
    entries.map(([key, value]) => {
      readShape(spec.key, key, { ...place, path: `${place.path}.key` });
      const at = { ...place, path: `${place.path}['${key.slice(0, 128)}']` };
      return [key, value === null ? problem(at, 'not be null') : readShape(spec.value, value, at)];
    }),
  );
}

function readStructure(spec: StructureSpec, raw: unknown, place: Place): unknown {
  if (!isRecord(raw)) return problem(place, 'be a structure');
  const value: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(spec.members)) {
    const path = place.path === '' ? name : `${place.path}.${name}`;
    const given = Object.hasOwn(raw, name) ? raw[name] : undefined;
    if (given !== undefined && given !== null) {
      value[name] = readShape(member.shape, given, { ...place, path });
    } else if (spec.required?.includes(name) === true) {
      addProblem(place.reading, path, 'not be null');
    }
  }
  if (spec.union === true && strict(place)) checkUnion(spec, raw, place);
  return value;
}

/** A union must have exactly one key, and a known one; further keys would be ignored silently. */
function checkUnion(
  spec: StructureSpec,
  raw: Readonly<Record<string, unknown>>,
  place: Place,
): void {
  const keys = Object.keys(raw).filter((key) => raw[key] !== null);
  const known = Object.keys(spec.members);
  if (keys.length !== 1 || !known.includes(keys[0] ?? '')) {
    problem(place, `have exactly one member set of: ${known.join(', ')}`);
  }
}

export function isRecord(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** Whether a query string holds the shape as digits. */
export function isNumeric(spec: ShapeSpec): boolean {
  return spec.type === 'integer' || spec.type === 'double';
}
