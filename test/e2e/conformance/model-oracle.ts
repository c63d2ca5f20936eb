import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A shape of the service's own model, from test/fixtures/contract/facts.json. */
export interface FactShape {
  readonly type:
    | 'string'
    | 'integer'
    | 'long'
    | 'double'
    | 'timestamp'
    | 'list'
    | 'map'
    | 'structure';
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly members?: Readonly<Record<string, FactMember>>;
  readonly required?: readonly string[];
  readonly union?: boolean;
}

export interface FactMember {
  readonly shape: string;
  readonly location?: 'uri' | 'querystring';
}

export interface FactOperation {
  readonly http: { readonly method: string; readonly requestUri: string };
  readonly input: { readonly shape: string };
  readonly errors: readonly { readonly shape: string }[];
}

const file = join(import.meta.dirname, '../../fixtures/contract/facts.json');
const facts = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly operations: Readonly<Record<string, FactOperation>>;
  readonly shapes: Readonly<Record<string, FactShape>>;
};

export const OPERATIONS = facts.operations;

/** Shapes for which nfm accepts more than the model (docs/reference/compatibility.md). */
const AMENDED: Readonly<Record<string, FactShape>> = {
  UuidString: { type: 'string', min: 1, max: 64, pattern: '[ -~]+' },
  DestinationCategory: {
    type: 'string',
    enum: [
      ...(facts.shapes.DestinationCategory?.enum ?? []),
      'INTERNET',
      'TRANSIT_GATEWAY',
      'LOCAL_ZONE',
      'AWS_SERVICE',
    ],
  },
};

export function shapeOf(name: string): FactShape {
  const shape = AMENDED[name] ?? facts.shapes[name];
  if (shape === undefined) throw new Error(`the model has no shape ${name}`);
  return shape;
}

export function membersOf(operation: string): Readonly<Record<string, FactMember>> {
  return shapeOf(OPERATIONS[operation]?.input.shape ?? '').members ?? {};
}

/**
 * The top-level members of an input that violate the model; empty if the input is valid. Implemented
 * from the model's facts alone, independently of the product's contract.
 */
export function brokenMembers(
  operation: string,
  input: Readonly<Record<string, unknown>>,
): string[] {
  const { required = [] } = shapeOf(OPERATIONS[operation]?.input.shape ?? '');
  return Object.entries(membersOf(operation)).flatMap(([name, member]) => {
    const value = input[name] ?? undefined;
    if (value === undefined) return required.includes(name) ? [name] : [];
    if (member.location === 'uri' && value === '') return [name];
    return satisfies(member.shape, value) ? [] : [name];
  });
}

function satisfies(name: string, value: unknown): boolean {
  const shape = shapeOf(name);
  switch (shape.type) {
    case 'string':
      return typeof value === 'string' && isString(shape, value);
    case 'integer':
      return isWithin(value, [-(2 ** 31), 2 ** 31 - 1]) && isWithin(value, [shape.min, shape.max]);
    case 'timestamp':
      return isTimestamp(value);
    case 'list':
      return (
        Array.isArray(value) &&
        isWithin(value.length, [shape.min, shape.max]) &&
        value.every((item) => item !== null && satisfies(shape.member?.shape ?? '', item))
      );
    case 'map':
      return isMap(shape, value);
    case 'structure':
      return isStructure(shape, value);
    default:
      throw new Error(`no input has a ${shape.type}`);
  }
}

function isString(
  { min = 0, max = Infinity, pattern, ...shape }: FactShape,
  value: string,
): boolean {
  const length = [...value].length;
  return (
    length >= min &&
    length <= max &&
    !/\0|\p{Surrogate}/u.test(value) &&
    (pattern === undefined || new RegExp(`^(?:${pattern})$`, 'u').test(value)) &&
    (shape.enum === undefined || shape.enum.includes(value))
  );
}

function isWithin(value: unknown, [min, max]: readonly (number | undefined)[]): boolean {
  return (
    Number.isInteger(value) &&
    Number(value) >= (min ?? -Infinity) &&
    Number(value) <= (max ?? Infinity)
  );
}

/** Whether a value is a timestamp: seconds since 1970 or RFC 3339, from 1970 to 9999. */
function isTimestamp(value: unknown): boolean {
  if (
    typeof value === 'string' &&
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)
  )
    return false;
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  const millis = typeof value === 'number' ? value * 1000 : Date.parse(value);
  return millis >= 0 && millis < Date.UTC(10_000, 0);
}

function isMap({ key, value: of, min, max }: FactShape, value: unknown): boolean {
  if (!isObject(value)) return false;
  const entries = Object.entries(value);
  return (
    isWithin(entries.length, [min, max]) &&
    entries.every(
      ([k, v]) => satisfies(key?.shape ?? '', k) && v !== null && satisfies(of?.shape ?? '', v),
    )
  );
}

function isStructure({ members = {}, required = [], union }: FactShape, value: unknown): boolean {
  if (!isObject(value)) return false;
  const set = Object.keys(value).filter((name) => value[name] !== null);
  if (union === true && !(set.length === 1 && set[0] !== undefined && set[0] in members))
    return false;
  return (
    required.every((name) => set.includes(name)) &&
    set.every((name) => !(name in members) || satisfies(members[name]?.shape ?? '', value[name]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
