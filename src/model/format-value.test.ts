import { expect, test } from 'vitest';
import { formatValue } from './format-value.ts';

const BYTES = [
  { name: 'nothing', value: 0, text: '0 B' },
  { name: 'less than a kilobyte', value: 999, text: '999 B' },
  { name: 'a kilobyte', value: 1000, text: '1.00 KB' },
  { name: 'two decimals', value: 385_678, text: '385.68 KB' },
  { name: 'a value that rounds up to the next unit', value: 999_996, text: '1.00 MB' },
  { name: 'a 64-bit sum', value: 18_446_744_073_709_551_615n, text: '18.45 EB' },
  { name: 'more than the largest unit', value: 12_345e18, text: '12,345.00 EB' },
];
test.each(BYTES)('bytes: $name', ({ value, text }) => {
  expect(formatValue(value, 'Bytes')).toBe(text);
});

test('counts are whole and have separators', () => {
  expect(formatValue(1234567n, 'Count')).toBe('1,234,567');
  expect(formatValue(7, 'Count')).toBe('7');
});

const MICROS = [
  { value: 0, text: '0 µs' },
  { value: 772n, text: '772 µs' },
  { value: 999.7, text: '1.00 ms' },
  { value: 1236n, text: '1.24 ms' },
  { value: 2_500_000, text: '2,500.00 ms' },
];
test.each(MICROS)('$value microseconds are shown as $text', ({ value, text }) => {
  expect(formatValue(value, 'Microseconds')).toBe(text);
});
