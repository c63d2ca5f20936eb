import { expect, test } from 'vitest';
import { splitTarget } from './target.ts';

const cases = [
  { name: 'no query', target: '/scopes', path: '/scopes', query: [] },
  { name: 'an empty query', target: '/scopes?', path: '/scopes', query: [] },
  {
    name: 'repeated and empty values in order',
    target: '/tags/a?tagKeys=x&tagKeys=&y',
    path: '/tags/a',
    query: [
      ['tagKeys', 'x'],
      ['tagKeys', ''],
      ['y', ''],
    ],
  },
  {
    name: 'encoded values, a plus, an equals sign and a second question mark',
    target: '/s?a=%C3%A9%26+b=c?d',
    path: '/s',
    query: [['a', 'é&+b=c?d']],
  },
  {
    name: 'dot segments and encoded slashes',
    target: '/a/../b%2Fc',
    path: '/a/../b%2Fc',
    query: [],
  },
];
test.each(cases)('a target with $name', ({ target, path, query }) => {
  expect(splitTarget(target)).toEqual({ path, query });
});

test('a query that is not percent-encoded UTF-8 is a SerializationException', () => {
  for (const target of ['/s?a=%', '/s?a=%ff', '/s?%zz=1']) {
    expect(() => splitTarget(target)).toThrow(
      expect.objectContaining({ name: 'SerializationException' }),
    );
  }
});
