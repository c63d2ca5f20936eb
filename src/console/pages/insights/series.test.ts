import { expect, test } from 'vitest';
import { seriesOf, unbroken, withZeros, zonesOf } from './series.ts';
import { BIN_MILLIS } from './time-window.ts';

const START = Date.UTC(2026, 0, 1, 10);
const at = (bin: number) => START + bin * BIN_MILLIS;

function points(label: string, bins: Readonly<Record<number, number>>) {
  const entries = Object.entries(bins);
  return {
    label,
    timestamps: entries.map(([bin]) => new Date(at(Number(bin)))),
    values: entries.map(([, value]) => value),
  };
}

test('zones are sorted, each with its bins', () => {
  expect(seriesOf([points('az2', { 0: 1, 1: 2 }), points('az1', { 0: 5 })])).toEqual([
    { zone: 'az1', bins: [{ millis: at(0), value: 5 }] },
    {
      zone: 'az2',
      bins: [
        { millis: at(0), value: 1 },
        { millis: at(1), value: 2 },
      ],
    },
  ]);
});

test('a bin without a report stays absent', () => {
  const [series] = seriesOf([points('az1', { 0: 1, 3: 1 })]);
  expect(series?.bins.map(({ millis }) => millis)).toEqual([at(0), at(3)]);
});

test('a zone without a single bin has no line', () => {
  expect(seriesOf([points('az1', {})])).toEqual([]);
});

test('a bin without loss is 0 if the zone had traffic, and absent if it had none', () => {
  const losses = seriesOf([points('az1', { 1: 4 })]);
  const traffic = seriesOf([points('az1', { 0: 100, 1: 100, 3: 100 }), points('az2', { 2: 9 })]);
  expect(withZeros(losses, traffic)).toEqual([
    {
      zone: 'az1',
      bins: [
        { millis: at(0), value: 0 },
        { millis: at(1), value: 4 },
        { millis: at(3), value: 0 },
      ],
    },
  ]);
});

test('the losses of a zone with unknown traffic stay unchanged', () => {
  const losses = seriesOf([points('az1', { 1: 4 })]);
  expect(withZeros(losses, [])).toEqual(losses);
});

const GAPS = [
  { name: 'no bins', bins: [], runs: [] },
  { name: 'no gap', bins: [0, 1, 2], runs: [[0, 1, 2]] },
  {
    name: 'a gap',
    bins: [0, 1, 3, 4],
    runs: [
      [0, 1],
      [3, 4],
    ],
  },
  { name: 'single bins', bins: [0, 2, 4], runs: [[0], [2], [4]] },
];

test.each(GAPS)('a line has a gap where bins are missing: $name', ({ bins, runs }) => {
  const cut = unbroken(bins.map((bin) => ({ millis: at(bin), value: 1 })));
  expect(cut.map((run) => run.map(({ millis }) => (millis - START) / BIN_MILLIS))).toEqual(runs);
});

test('every zone of the page is listed once, sorted', () => {
  const charts = [
    [{ zone: 'az2', bins: [] }],
    [
      { zone: 'az1', bins: [] },
      { zone: 'az2', bins: [] },
    ],
  ];
  expect(zonesOf(charts)).toEqual(['az1', 'az2']);
});
