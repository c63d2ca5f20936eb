import { expect, test } from 'vitest';
import {
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

test('bytes, segments and sums of timings take 64 bits, nothing else does', () => {
  expect(VALUE_NAMES.filter((_, index) => isWide(index))).toEqual([
    'bytes_received',
    'bytes_delivered',
    'segments_received',
    'segments_delivered',
    'connect_us_sum',
    'rtt_us_sum',
    'rtt_smoothed_us_sum',
  ]);
});
