import { expect, test } from 'vitest';
import { checkTarget, originForm } from './request-target.ts';

test.each([
  ['/publish', '/publish'],
  ['/a/%2e%2e//b?c=%zz', '/a/%2e%2e//b?c=%zz'],
  ['//x', '//x'],
  ['*', '*'],
  ['http://h:8130/a/%2e%2e//b?c=d', '/a/%2e%2e//b?c=d'],
  ['HTTPS://h', '/'],
  ['http://h?a=b', '/?a=b'],
])('the origin form of %s is %s', (target, expected) => {
  expect(originForm(target)).toBe(expected);
});

test.each([
  ['/publish', 'h'],
  ['*', 'h'],
  ['http://H:80/publish', 'h'],
  ['http://h:8130/publish', 'h:8130'],
  ['http://h/publish', undefined],
])('%s with the Host %s is accepted', (target, host) => {
  expect(() => checkTarget(target, host)).not.toThrow();
});

test.each([
  ['http://other/publish', 'h'],
  ['http://h:81/publish', 'h'],
  ['ftp://h/publish', 'h'],
  ['h:443', 'h'],
  ['', 'h'],
])('%s with the Host %s is rejected', (target, host) => {
  expect(() => checkTarget(target, host)).toThrow(/request target/);
});
