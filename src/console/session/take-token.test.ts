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

test('the token is removed from the address, and the rest stays', () => {
  expect(take('#token=abc_-1')).toEqual({ token: 'abc_-1', addresses: ['/console/?range=3h'] });
});

test('an address without a token stays unchanged', () => {
  expect(take('#top')).toEqual({ token: undefined, addresses: [] });
});

test('an empty token counts as none and is removed from the address', () => {
  expect(take('#token=')).toEqual({ token: undefined, addresses: ['/console/?range=3h'] });
});
