import { expect, test } from 'vitest';
import { FakeClock } from '../../lib/clock.ts';
import { ServerClock } from './server-clock.ts';

const NOON = Date.parse('2026-11-25T12:00:00Z');
const HOUR = 3_600_000;

function clocks(hostMillis: number) {
  const clock = new FakeClock(hostMillis);
  const steady = new FakeClock(5_000);
  return { clock, steady, server: new ServerClock({ clock, steady }) };
}

test("before the server's first answer it is the host's time", () => {
  const { server } = clocks(NOON);
  expect(server.now()).toBe(NOON);
  server.learn(undefined);
  server.learn('yesterday');
  expect(server.now()).toBe(NOON);
  expect(server.hostAheadMillis).toBe(undefined);
});

test("a host's clock within five seconds is used, because it is finer", () => {
  const { server } = clocks(NOON + 4_321);
  server.learn('Wed, 25 Nov 2026 12:00:00 GMT');
  expect(server.now()).toBe(NOON + 4_321);
});

test("a host an hour behind uses the server's time, which advances", () => {
  const { server, clock, steady } = clocks(NOON - HOUR);
  server.learn('Wed, 25 Nov 2026 12:00:00 GMT');
  expect(server.hostAheadMillis).toBe(-HOUR);
  clock.advance(30_000);
  steady.advance(30_000);
  expect(server.now()).toBe(NOON + 30_000);
});

test.each([HOUR, -HOUR])("a host's clock that jumps by %d ms changes nothing", (jump) => {
  const { server, clock, steady } = clocks(NOON);
  server.learn('Wed, 25 Nov 2026 12:00:00 GMT');
  clock.advance(jump + 7_000);
  steady.advance(7_000);
  expect(server.now()).toBe(NOON + 7_000);
});
