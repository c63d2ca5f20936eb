import { expect, test } from 'vitest';
import { nextWait } from './next-wait.ts';

/** The wait that results after 20 readings of a ring that fills up in `fullAfterMillis`. */
function settled(fullAfterMillis: number): number {
  let wait = 500;
  for (let i = 0; i < 20; i += 1) {
    wait = nextWait({ wait, fill: Math.min(1, wait / fullAfterMillis), max: 500 });
  }
  return wait;
}

test('when few connections close, the wait is the longest allowed', () => {
  expect(settled(Number.POSITIVE_INFINITY)).toBe(500);
  expect(settled(60_000)).toBe(500);
});

test('when many connections close, the wait ends when a quarter is full', () => {
  expect(settled(1_000)).toBe(250);
  expect(settled(200)).toBe(50);
});

test('the wait is never shorter than 20 ms', () => {
  expect(settled(1)).toBe(20);
});
