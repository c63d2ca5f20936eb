import { expect, test } from 'vitest';
import {
  addValues,
  COUNTED_OPTIONAL_METRICS,
  emptyValues,
  isOptionalPlain,
  isOptionalTiming,
  isWide,
  PLAIN_METRICS,
  plainIndex,
  TIMING_METRICS,
  TIMING_PARTS,
  timingIndex,
  VALUE_NAMES,
  VALUES_LENGTH,
} from './flow-metrics.ts';

test('every metric has its own index, named like its column', () => {
  const places = [
    ...PLAIN_METRICS.map((metric) => [metric, plainIndex(metric)] as const),
    ...TIMING_METRICS.flatMap((metric) =>
      TIMING_PARTS.map((part) => [`${metric}_${part}`, timingIndex(metric, part)] as const),
    ),
  ];
  expect(places.map(([, place]) => place)).toEqual([...Array(VALUES_LENGTH).keys()]);
  expect(places.map(([name]) => name)).toEqual(VALUE_NAMES);
});

test('the index of a timing is that of its count', () => {
  expect(VALUE_NAMES[timingIndex('rtt_us')]).toBe('rtt_us_count');
});

test('bytes, segments, rates and sums of times take 64 bits, nothing else does', () => {
  expect(VALUE_NAMES.filter((_, index) => isWide(index))).toEqual([
    'bytes_received',
    'bytes_delivered',
    'segments_received',
    'segments_delivered',
    'busy_us',
    'rwnd_limited_us',
    'sndbuf_limited_us',
    'connect_us_sum',
    'rtt_us_sum',
    'rtt_smoothed_us_sum',
    'min_rtt_us_sum',
    'delivery_rate_min',
    'delivery_rate_max',
    'delivery_rate_sum',
  ]);
});

test('initial values are 0, and NaN for metrics that a report may lack', () => {
  const values = emptyValues();
  const unknown = PLAIN_METRICS.filter((_, index) => Number.isNaN(values[index]));
  expect(unknown.slice(0, 6)).toEqual([...COUNTED_OPTIONAL_METRICS, 'busy_us']);
  expect(unknown).toEqual(PLAIN_METRICS.filter((_, index) => isOptionalPlain(index)));
  expect(TIMING_METRICS.filter(isOptionalTiming)).toEqual(['min_rtt_us', 'delivery_rate']);
});

test('values add up: samples with minimum and maximum, and values that only one side knows', () => {
  const a = emptyValues();
  const b = emptyValues();
  a[plainIndex('bytes_received')] = 1;
  b[plainIndex('bytes_received')] = 2;
  b[plainIndex('dsacks')] = 3;
  a.set([1, 10, 10, 10], timingIndex('rtt_us'));
  b.set([2, 5, 20, 25], timingIndex('rtt_us'));
  addValues(a, b);
  expect(a[plainIndex('bytes_received')]).toBe(3);
  expect(a[plainIndex('dsacks')]).toBe(3);
  expect(a[plainIndex('busy_us')]).toBeNaN();
  const first = timingIndex('rtt_us');
  expect([...a.subarray(first, first + 4)]).toEqual([3, 5, 20, 35]);
});
