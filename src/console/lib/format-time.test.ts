import { expect, test } from 'vitest';
import { formatTime, formatTimeWithSeconds } from './format-time.ts';

test('times are UTC, from 00 to 23', () => {
  const millis = Date.UTC(2026, 0, 1, 0, 5, 9);
  expect(formatTime(millis)).toBe('00:05');
  expect(formatTimeWithSeconds(millis)).toBe('00:05:09');
});
