import { expect, test } from 'vitest';
import { FAULT_CHANNELS } from '../../model/health.ts';
import { COUNTS, HISTORY } from '../evidence/columns.ts';
import { CHANNELS, COLUMNS, PLACES } from './registry.ts';

test('the columns of evidence keep their places, which stored detector states name', () => {
  const places = Object.entries(PLACES).map(([channel, { from, to }]) => [channel, from, to]);
  expect(places.slice(0, 4)).toEqual([
    ['loss', 0, 11],
    ['latency', 11, 18],
    ['dead', 18, 22],
    ['connect', 22, 27],
  ]);
});

test('the model names every channel, in the order of the registry', () => {
  expect(Object.keys(CHANNELS)).toEqual([...FAULT_CHANNELS]);
});

test('no two channels have a column of the same name', () => {
  const sets = Object.values(COLUMNS);
  const counts = sets.flatMap((columns) => Object.keys(columns.counts));
  const history = sets.flatMap((columns) => Object.keys(columns.history));
  expect(Object.keys(COUNTS)).toEqual(counts);
  expect(Object.keys(HISTORY)).toEqual(history);
  for (const columns of [COUNTS, HISTORY]) {
    const stored = Object.values(columns).map(({ column }) => column);
    expect(new Set(stored).size).toBe(stored.length);
  }
});
