import { expect, test } from 'vitest';
import { formatTick } from './format-tick.ts';

const TICKS = [
  { name: 'zero', value: 0, unit: 'Bytes', text: '0' },
  { name: 'round bytes without decimals', value: 50_000_000, unit: 'Bytes', text: '50 MB' },
  { name: 'one decimal where it suffices', value: 1_500_000, unit: 'Bytes', text: '1.5 MB' },
  { name: 'two decimals where they are needed', value: 1_250_000, unit: 'Bytes', text: '1.25 MB' },
  { name: 'small counts', value: 250, unit: 'Count', text: '250' },
  { name: 'large counts abbreviated', value: 12_500, unit: 'Count', text: '12.5K' },
] as const;
test.each(TICKS)('axis: $name', ({ value, unit, text }) => {
  expect(formatTick(value, unit)).toBe(text);
});
