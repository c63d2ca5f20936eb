import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../model/api-error.ts';
import { operationMatcher } from './operation-matcher.ts';
import { OPERATION_NAMES, operationSpec } from './operations.ts';
import { isRecord } from './read-shape.ts';
import { formatRequest, parseRequest, type RequestParts, structureSpec } from './request.ts';
import { readOutput, writeOutput } from './response.ts';
import type { StringSpec, StructureSpec } from './shape.ts';
import { shapeSpec } from './shapes.ts';

const match = operationMatcher();

/** Text the contract allows: Unicode without NUL and lone surrogates. */
const text = (min: number, max: number) =>
  fc
    .string({ unit: 'binary', minLength: min, maxLength: max })
    .filter((value) => !value.includes('\0'));

/** Generates values that satisfy a shape. */
function valid(name: string): fc.Arbitrary<unknown> {
  const spec = shapeSpec(name);
  switch (spec.type) {
    case 'string':
      return validString(spec);
    case 'integer':
      return fc.integer({ min: spec.min ?? -(2 ** 31), max: spec.max ?? 2 ** 31 - 1 });
    case 'long':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0));
    case 'timestamp':
      return fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
    case 'list':
      // In a query string, an empty list of tag keys looks like a missing one.
      return fc.array(valid(spec.member), {
        minLength: name === 'TagKeyList' ? 1 : (spec.min ?? 0),
        maxLength: 5,
      });
    case 'map':
      return fc.dictionary(valid(spec.key) as fc.Arbitrary<string>, valid(spec.value), {
        maxKeys: 5,
      });
    case 'structure':
      return validStructure(spec);
  }
}

function validString(spec: StringSpec): fc.Arbitrary<string> {
  const { min = 0, max } = spec;
  if (spec.enum !== undefined) return fc.constantFrom(...spec.enum);
  if (spec.pattern !== undefined) return matching(spec.pattern, min, max ?? 50);
  // A path member must not be empty, even if its shape allows it.
  return text(Math.max(min, 1), max ?? 20);
}

function validStructure(spec: StructureSpec): fc.Arbitrary<unknown> {
  const members = Object.entries(spec.members).map(
    ([name, { shape }]) => [name, valid(shape)] as const,
  );
  const requiredKeys = spec.union ? Object.keys(spec.members) : [...(spec.required ?? [])];
  return fc.record(Object.fromEntries(members), { requiredKeys });
}

/** Generates matches of the patterns in this contract: a literal prefix or a single class. */
function matching(pattern: string, min: number, max: number): fc.Arbitrary<string> {
  const whole = new RegExp(`^(?:${pattern})$`, 'u');
  return fc
    .stringMatching(whole)
    .map((value) => value.padEnd(min, 'x').slice(0, max))
    .filter((value) => whole.test(value) && !/\p{Surrogate}|\0/u.test(value));
}

/** Splits a formatted request into the parts that the server parses. */
function partsOf(request: { method: string; target: string; body: unknown }) {
  const [path = '', query = ''] = request.target.split('?');
  const pairs = query.split('&').filter((pair) => pair !== '');
  const found = match(request.method, path);
  const parts: RequestParts = {
    labels: found?.labels ?? {},
    query: pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return [decodeURIComponent(name), decodeURIComponent(value)] as const;
    }),
    body: { ...(JSON.parse(JSON.stringify(request.body ?? {})) as object) },
  };
  return { operation: found?.entry.operation, parts };
}

describe.each(OPERATION_NAMES)('%s', (operation) => {
  const { input, output } = operationSpec(operation);

  test('every valid input survives being formatted, routed and parsed', () => {
    fc.assert(
      fc.property(valid(input), (value) => {
        const taken = partsOf(formatRequest(operation, value as never));
        expect(taken.operation).toBe(operation);
        expect(parseRequest(operation, taken.parts)).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  test('every valid output survives being written and read', () => {
    fc.assert(
      fc.property(valid(output), (value) => {
        const json = JSON.stringify(writeOutput(operation, value as never), (_, item: unknown) =>
          typeof item === 'bigint' ? item.toString() : item,
        );
        expect(readOutput(operation, JSON.parse(json))).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });

  test('any other input is valid or rejected with a ValidationException that names a member', () => {
    const names = Object.keys(structureSpec(input).members);
    const anything = fc.oneof(fc.jsonValue(), valid(input), fc.anything());
    const body = fc.oneof(
      fc.dictionary(fc.constantFrom(...names, 'other'), anything),
      valid(input).chain((value) => mutated(value)),
    );
    fc.assert(
      fc.property(body, fc.dictionary(fc.constantFrom(...names), fc.string()), (json, labels) => {
        const parts = { labels, query: Object.entries(labels), body: isRecord(json) ? json : {} };
        try {
          parseRequest(operation, parts);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect(error).toMatchObject({ name: 'ValidationException' });
          const message = String((error as ApiError).message);
          expect(names.some((name) => message.includes(`'${name}`))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** Replaces one member of a value by another value. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (!isRecord(value) || Object.keys(value).length === 0) return fc.jsonValue();
  return fc
    .constantFrom(...Object.keys(value))
    .chain((name) =>
      fc.oneof(fc.jsonValue(), mutated(value[name])).map((other) => ({ ...value, [name]: other })),
    );
}
