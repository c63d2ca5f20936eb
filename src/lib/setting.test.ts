import { expect, test } from 'vitest';
import { listOf } from './setting.ts';

test('a comma separated setting may have spaces and empty items', () => {
  expect(listOf(' a , b,,c ,')).toEqual(['a', 'b', 'c']);
  expect(listOf('')).toEqual([]);
});
