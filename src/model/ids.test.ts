import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stableId } from './ids.ts';

test("an id has AWS's form and never changes for the same parts", () => {
  expect(stableId('vpc', '000000000000', 'us-east-1', 'default')).toBe('vpc-9be6e076d296c4091');
  fc.assert(
    fc.property(fc.array(fc.string()), (parts) => {
      expect(stableId('subnet', ...parts)).toMatch(/^subnet-[0-9a-f]{17}$/);
      expect(stableId('subnet', ...parts)).toBe(stableId('subnet', ...parts));
    }),
  );
});

test('different parts that join to the same text make different ids', () => {
  const ids = [
    stableId('i', 'ab', 'c'),
    stableId('i', 'a', 'bc'),
    stableId('i', 'a,b', 'c'),
    stableId('i', 'abc'),
    stableId('i', 'abc', ''),
    stableId('i', '', 'abc'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('the same parts make different ids for different kinds', () => {
  const digits = (['i', 'subnet', 'vpc', 'eni'] as const).map((kind) =>
    stableId(kind, 'a').slice(kind.length + 1),
  );
  expect(new Set(digits).size).toBe(4);
});
