import { expect, test } from 'vitest';
import {
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

test('every metric has a place of its own, named like its column', () => {
  const places = [
    ...PLAIN_METRICS.map((metric) => [metric, plainIndex(metric)] as const),
    ...TIMING_METRICS.flatMap((metric) =>
      TIMING_PARTS.map((part) => [`${metric}_${part}`, timingIndex(metric, part)] as const),
    ),
  ];
  expect(places.map(([, place]) => place)).toEqual([...Array(VALUES_LENGTH).keys()]);
  expect(places.map(([name]) => name)).toEqual(VALUE_NAMES);
});

test('a timing stands at its count', () => {
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

test('of nothing known, what the existing agent sends is 0 and the rest is not a number', () => {
  const values = emptyValues();
  const unknown = PLAIN_METRICS.filter((_, index) => Number.isNaN(values[index]));
  expect(unknown[0]).toBe('busy_us');
  expect(unknown).toEqual(PLAIN_METRICS.filter((_, index) => isOptionalPlain(index)));
  expect(TIMING_METRICS.filter(isOptionalTiming)).toEqual(['min_rtt_us', 'delivery_rate']);
});
