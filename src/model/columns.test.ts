import { expect, test } from 'vitest';
import { BATCH_COLUMN, FLOW_COLUMNS } from './columns.ts';
import { VALUE_NAMES, WIDEST_VALUES } from './flow-metrics.ts';

test('column names are unique', () => {
  const names = [...FLOW_COLUMNS, BATCH_COLUMN].map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test('every value of a report has a column, in the order of the values', () => {
  const columns = FLOW_COLUMNS.map(({ name }) => name).filter((name) => VALUE_NAMES.includes(name));
  expect(columns).toEqual(VALUE_NAMES);
});

test('a column is wide enough for the largest value that decode accepts', () => {
  const widest = { UInt32: 2 ** 32 - 1, UInt64: Number.MAX_SAFE_INTEGER };
  const bounds = VALUE_NAMES.map((name) => {
    const type = FLOW_COLUMNS.find((column) => column.name === name)?.type;
    const width = type?.replace(/^Nullable\((.*)\)$/, '$1');
    return width === 'UInt32' || width === 'UInt64' ? widest[width] : undefined;
  });
  expect(bounds).toEqual(WIDEST_VALUES);
});

test('names are identifiers', () => {
  for (const { name } of FLOW_COLUMNS) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
});
