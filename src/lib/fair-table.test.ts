import { expect, test } from 'vitest';
import { FairTable } from './fair-table.ts';

function tableOf(perOwner: number, total: number) {
  const dropped: string[] = [];
  const table = new FairTable<string>({
    perOwner,
    total,
    onDropped: (value) => dropped.push(value),
  });
  const add = (owner: string, ...keys: readonly string[]) => {
    for (const key of keys) table.set(owner, key, `${owner}${key}`);
  };
  return { table, dropped, add };
}

test('an owner beyond its bound loses its own oldest value', () => {
  const { table, dropped, add } = tableOf(2, 10);
  add('b', '1');
  add('a', '1', '2', '3');
  expect(dropped).toEqual(['a1']);
  expect(table.get('b', '1')).toBe('b1');
  expect(table.sizeOf('a')).toBe(2);
});

test('in a full table, the owner with the most values gives way to others', () => {
  const { table, dropped, add } = tableOf(10, 4);
  add('a', '1', '2', '3');
  add('b', '1', '2');
  expect(dropped).toEqual(['a1']);
  add('a', '4', '5');
  expect(dropped).toEqual(['a1', 'a2', 'a3']);
  expect([...table.entries()].map(([, , value]) => value)).toEqual(['a4', 'a5', 'b1', 'b2']);
});

test('a value that is set again becomes the newest, and one that is replaced does not', () => {
  const { dropped, add, table } = tableOf(2, 10);
  add('a', '1', '2', '1');
  table.replace('a', '2', 'changed');
  add('a', '3');
  expect(dropped).toEqual(['changed']);
});

test('a deleted value makes room', () => {
  const { table, dropped, add } = tableOf(2, 2);
  add('a', '1', '2');
  expect(table.delete('a', '1')).toBe(true);
  expect(table.delete('a', '1')).toBe(false);
  add('b', '1');
  expect(dropped).toEqual([]);
  expect(table.size).toBe(2);
});
