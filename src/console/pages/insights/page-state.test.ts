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
  { name: 'a filter with special characters', search: '?data.filter=a+%26+b' },
  { name: 'a column ascending', search: '?timeouts.sort=localAz' },
  { name: 'a column descending', search: '?retransmissions.sort=-accountId' },
  { name: 'values ascending', search: '?data.sort=value' },
  {
    name: 'every value',
    search: '?flow=INTERNET&range=15m&live=off&data.filter=x&data.sort=category',
  },
];

test.each(CASES)('the address holds $name and is read back unchanged', ({ search }) => {
  const state = parsePageState(search);
  expect(state).not.toEqual(DEFAULTS);
  expect(formatPageState(state)).toBe(search);
});

test('an invalid value in the address gets its default', () => {
  const search = '?flow=MOON&range=1y&live=maybe&data.sort=-shoe';
  expect(parsePageState(search)).toEqual(DEFAULTS);
});
