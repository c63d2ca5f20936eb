import { expect, test } from 'vitest';
import { COLUMN_IDS } from './column-ids.ts';
import { DEFAULT_PREFERENCES, parsePreferences } from './preferences.ts';

test('preferences are read back as they were written', () => {
  const columns = [...DEFAULT_PREFERENCES.columns].reverse().map(({ id }) => ({
    id,
    visible: id !== 'localVpcId',
  }));
  const written = { pageSize: 50, wrapLines: true, columns };
  expect(parsePreferences(JSON.stringify(written))).toEqual(written);
});

const SPOILT = [
  { name: 'nothing', text: null },
  { name: 'no JSON', text: '{' },
  { name: 'another type', text: '7' },
  { name: 'null', text: 'null' },
  { name: 'values of other types', text: '{"pageSize":7,"wrapLines":"yes","columns":{"id":1}}' },
  { name: 'unknown columns', text: '{"columns":[null,{"id":"shoe","visible":false}]}' },
];

test.each(SPOILT)('what was written down is of no use: $name', ({ text }) => {
  expect(parsePreferences(text)).toEqual(DEFAULT_PREFERENCES);
});

test('a column that is new since then is shown, after the others', () => {
  const { columns } = parsePreferences('{"columns":[{"id":"value","visible":true}]}');
  expect(columns.map(({ id }) => id)).toEqual([
    'value',
    ...COLUMN_IDS.filter((id) => id !== 'value'),
  ]);
});
