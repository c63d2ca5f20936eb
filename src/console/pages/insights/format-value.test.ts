import { expect, test } from 'vitest';
import { formatTick, formatTime, formatTimeWithSeconds, formatValue } from './format-value.ts';

const BYTES = [
  { name: 'nothing', value: 0, text: '0 B' },
  { name: 'less than a kilobyte', value: 999, text: '999 B' },
  { name: 'a kilobyte', value: 1000, text: '1.00 KB' },
  { name: 'two decimals', value: 385_678, text: '385.68 KB' },
  { name: 'what rounds up to the next unit', value: 999_996, text: '1.00 MB' },
  { name: 'a 64-bit sum', value: 18_446_744_073_709_551_615n, text: '18.45 EB' },
  { name: 'more than there are units for', value: 12_345e18, text: '12,345.00 EB' },
];

test.each(BYTES)('bytes: $name', ({ value, text }) => {
  expect(formatValue(value, 'Bytes')).toBe(text);
});

test('counts are whole and have separators', () => {
  expect(formatValue(1234567n, 'Count')).toBe('1,234,567');
  expect(formatValue(7, 'Count')).toBe('7');
});

const TICKS = [
  { name: 'zero', value: 0, unit: 'Bytes', text: '0' },
  { name: 'round bytes without decimals', value: 50_000_000, unit: 'Bytes', text: '50 MB' },
  { name: 'one decimal where one says it', value: 1_500_000, unit: 'Bytes', text: '1.5 MB' },
  { name: 'two decimals where two say it', value: 1_250_000, unit: 'Bytes', text: '1.25 MB' },
  { name: 'small counts', value: 250, unit: 'Count', text: '250' },
  { name: 'large counts in short', value: 12_500, unit: 'Count', text: '12.5K' },
] as const;

test.each(TICKS)('axis: $name', ({ value, unit, text }) => {
  expect(formatTick(value, unit)).toBe(text);
});

test('times are UTC, from 00 to 23', () => {
  const millis = Date.UTC(2026, 0, 1, 0, 5, 9);
  expect(formatTime(millis)).toBe('00:05');
  expect(formatTimeWithSeconds(millis)).toBe('00:05:09');
});
