import { expect, test } from 'vitest';
import { COLUMN_IDS } from './column-ids.ts';
import { DEFAULT_PREFERENCES, parsePreferences } from './preferences.ts';

test('stored preferences are read back unchanged', () => {
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

test.each(SPOILT)('unusable stored preferences get the defaults: $name', ({ text }) => {
  expect(parsePreferences(text)).toEqual(DEFAULT_PREFERENCES);
});

test('a column that is newer than the stored preferences is shown last', () => {
  const { columns } = parsePreferences('{"columns":[{"id":"value","visible":true}]}');
  expect(columns.map(({ id }) => id)).toEqual([
    'value',
    ...COLUMN_IDS.filter((id) => id !== 'value'),
  ]);
});
