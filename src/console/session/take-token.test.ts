import { expect, test } from 'vitest';
import { takeToken } from './take-token.ts';

function take(hash: string) {
  const addresses: unknown[] = [];
  const history = {
    state: undefined,
    replaceState: (_state: unknown, _title: string, address?: string | URL | null) => {
      addresses.push(address);
    },
  };
  const location = { hash, pathname: '/console/', search: '?range=3h' };
  return { token: takeToken(location, history), addresses };
}

test('the token is taken out of the address, and the rest of it stays', () => {
  expect(take('#token=abc_-1')).toEqual({ token: 'abc_-1', addresses: ['/console/?range=3h'] });
});

test('an address without a token is left as it is', () => {
  expect(take('#top')).toEqual({ token: undefined, addresses: [] });
});

test('an empty token is none, and is taken out all the same', () => {
  expect(take('#token=')).toEqual({ token: undefined, addresses: ['/console/?range=3h'] });
});
