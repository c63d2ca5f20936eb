import { expect, test } from 'vitest';
import { formatPageState, parsePageState } from './page-state.ts';

const DEFAULTS = parsePageState('');

test('an address without a query shows all categories of the last hour, live', () => {
  expect(DEFAULTS).toMatchObject({ flowType: 'ALL', range: '1h', live: true });
  expect(DEFAULTS.tables.TIMEOUTS).toEqual({ filter: '', sort: 'value', descending: true });
  expect(formatPageState(DEFAULTS)).toBe('');
});

const CASES = [
  { name: 'a category', search: '?flow=INTER_AZ' },
  { name: 'a range', search: '?range=3h' },
  { name: 'live refresh paused', search: '?live=off' },
  { name: 'loopback shown', search: '?loopback=on' },
  { name: 'a filter with signs of its own', search: '?data.filter=a+%26+b' },
  { name: 'a column upwards', search: '?timeouts.sort=localAz' },
  { name: 'a column downwards', search: '?retransmissions.sort=-accountId' },
  { name: 'values upwards', search: '?data.sort=value' },
  {
    name: 'all of it',
    search: '?flow=INTERNET&range=15m&live=off&data.filter=x&data.sort=category',
  },
];

test.each(CASES)('the address says $name, and is read back the same', ({ search }) => {
  const state = parsePageState(search);
  expect(state).not.toEqual(DEFAULTS);
  expect(formatPageState(state)).toBe(search);
});

test('what an address misspells has its default', () => {
  const search = '?flow=MOON&range=1y&live=maybe&data.sort=-shoe';
  expect(parsePageState(search)).toEqual(DEFAULTS);
});
