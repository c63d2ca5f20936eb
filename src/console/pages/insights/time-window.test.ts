import { expect, test } from 'vitest';
import { BIN_MILLIS, TIME_RANGES, windowOf } from './time-window.ts';

const NOW = Date.UTC(2026, 0, 1, 10, 7, 31);

test('the window ends with the current minute and so contains the newest report', () => {
  const window = windowOf('1h', NOW);
  expect(new Date(window.endMillis).toISOString()).toBe('2026-01-01T10:08:00.000Z');
  expect(new Date(window.startMillis).toISOString()).toBe('2026-01-01T09:08:00.000Z');
});

test('at the start of a minute, the window ends there', () => {
  expect(windowOf('15m', Date.UTC(2026, 0, 1, 10)).endMillis).toBe(Date.UTC(2026, 0, 1, 10));
});

test.each(TIME_RANGES)(
  'the window of %s is a whole number of bins, the first at its start',
  (range) => {
    const { startMillis, endMillis } = windowOf(range, NOW);
    expect(startMillis % 60_000).toBe(0);
    expect((endMillis - startMillis) % BIN_MILLIS).toBe(0);
  },
);
