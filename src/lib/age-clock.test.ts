import { beforeEach, expect, test } from 'vitest';
import { AgeClock } from './age-clock.ts';
import { FakeClock } from './clock.ts';
import { MILLIS_A_DAY } from './durations.ts';
import { silentLog } from './log.ts';
import { Metrics } from './metrics.ts';

const START = Date.parse('2027-01-15T08:00:00Z');

let clock: FakeClock;
let passed: number;
let metrics: Metrics;

beforeEach(() => {
  clock = new FakeClock(START);
  passed = 0;
  metrics = new Metrics();
});

function ageClock(knownMillis: number | undefined, isConfirmed = false): AgeClock {
  const monotonic = () => passed;
  const age = new AgeClock({ clock, monotonic, isConfirmed, log: silentLog, metrics });
  age.start(knownMillis);
  return age;
}
const isSuspect = () => metrics.value('nfm_clock_suspect');

/** Time passes, and the clock shows it. */
function wait(millis: number): void {
  clock.advance(millis);
  passed += millis;
}

test('a clock that agrees with the last run is followed, for weeks', async () => {
  const age = ageClock(START - MILLIS_A_DAY / 2);
  for (let day = 0; day < 30; day += 1) wait(MILLIS_A_DAY);
  expect(age.now()).toBe(START + 30 * MILLIS_A_DAY);
  expect(await isSuspect()).toBe(0);
});

test('a start with the clock 8 days ahead makes nothing older', async () => {
  const age = ageClock(START - 8 * MILLIS_A_DAY);
  expect(age.now()).toBe(START - 8 * MILLIS_A_DAY);
  wait(3_600_000);
  expect(age.now()).toBe(START - 8 * MILLIS_A_DAY + 3_600_000);
  expect(await isSuspect()).toBe(1);
});

test('a step of the running clock makes nothing older, and ends when it is undone', async () => {
  const age = ageClock(START);
  clock.advance(8 * MILLIS_A_DAY);
  expect(age.now()).toBe(START);
  expect(await isSuspect()).toBe(1);
  clock.advance(-8 * MILLIS_A_DAY);
  wait(1000);
  expect(age.now()).toBe(START + 1000);
  expect(await isSuspect()).toBe(0);
});

test.each([
  ['1970', 0],
  ['2106', 2 ** 32 * 1000],
])('a clock at %s is suspect, and nothing is older than it was', async (_, millis) => {
  clock = new FakeClock(millis);
  const age = ageClock(START);
  expect(age.now()).toBeLessThanOrEqual(START);
  expect(age.knownMillis).toBe(START);
  expect(await isSuspect()).toBe(1);
});

test('an operator confirms the clock, and without a last run it is all there is', async () => {
  expect(ageClock(START - 30 * MILLIS_A_DAY, true).now()).toBe(START);
  metrics = new Metrics();
  expect(ageClock(undefined).now()).toBe(START);
  expect(await isSuspect()).toBe(0);
});
