import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { operationMatcher } from '../contract/operation-matcher.ts';
import { OPERATION_NAMES, operationSpec } from '../contract/operations.ts';

const tests = join(import.meta.dirname, '../../test');
const golden = join(tests, 'golden/api');

interface Unreachable {
  readonly error: string;
  readonly operations: readonly string[];
  readonly reason: string;
}

const unreachable = JSON.parse(
  readFileSync(join(tests, 'fixtures/contract/errors-that-cannot-occur.json'), 'utf8'),
) as Unreachable[];
const excused = unreachable.flatMap(({ error, operations }) =>
  operations.map((operation) => `${operation} ${error}`),
);

/** `OPERATION OUTCOME` of every golden exchange; the outcome is "success" or an error name. */
function keptOutcomes(): Set<string> {
  const match = operationMatcher();
  const files = readdirSync(golden, { recursive: true, encoding: 'utf8' });
  const outcomes = files
    .filter((file) => file.endsWith('.http'))
    .flatMap((file) => {
      const text = readFileSync(join(golden, file), 'utf8');
      const [, method = '', path = ''] = /^(\S+) ([^\s?]+)\S* HTTP\/1\.1\n/.exec(text) ?? [];
      const operation = match(method, path)?.entry.operation;
      const error = /^x-amzn-ErrorType: (\w+)$/m.exec(text)?.[1];
      return operation === undefined ? [] : [`${operation} ${error ?? 'success'}`];
    });
  return new Set(outcomes);
}

test('every declared outcome of every operation has either a golden exchange or a reason why it cannot occur', () => {
  const declared = OPERATION_NAMES.flatMap((operation) =>
    ['success', ...operationSpec(operation).errors].map((outcome) => `${operation} ${outcome}`),
  );
  expect([...keptOutcomes(), ...excused].toSorted()).toEqual(declared.toSorted());
});

test('every reason is a sentence', () => {
  expect(unreachable.filter(({ reason }) => reason.split(' ').length < 5)).toEqual([]);
});
