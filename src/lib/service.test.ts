import { expect, test } from 'vitest';
import { backoffMillis } from './backoff.ts';
import { pause } from './pause.ts';
import { type Service, ServiceGroup } from './service.ts';
import { leakedSince, resourcesInUse } from './testing.ts';

function recording(
  calls: string[],
  name: string,
  fails: { readonly start?: boolean; readonly stop?: boolean } = {},
): Service {
  const act = (what: 'start' | 'stop') => async () => {
    calls.push(`${what} ${name}`);
    if (fails[what] === true) throw new Error(`${name} does not ${what}`);
  };
  return { name, start: act('start'), stop: act('stop') };
}

test('services start in order and stop in reverse, once', async () => {
  const calls: string[] = [];
  const group = new ServiceGroup(['a', 'b', 'c'].map((name) => recording(calls, name)));
  await group.start();
  await group.stop();
  await group.stop();
  expect(calls).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});

test('when one does not start, those before it are stopped and the error is rethrown', async () => {
  const calls: string[] = [];
  const services = [
    recording(calls, 'a'),
    recording(calls, 'b', { start: true }),
    recording(calls, 'c'),
  ];
  await expect(new ServiceGroup(services).start()).rejects.toMatchObject({
    message: 'cannot start b',
    cause: { message: 'b does not start' },
  });
  expect(calls).toEqual(['start a', 'start b', 'stop a']);
});

test('when one does not stop, the others are still stopped', async () => {
  const calls: string[] = [];
  const group = new ServiceGroup([recording(calls, 'a'), recording(calls, 'b', { stop: true })]);
  await group.start();
  await expect(group.stop()).rejects.toMatchObject({
    errors: [{ message: 'cannot stop b', cause: { message: 'b does not stop' } }],
  });
  expect(calls.slice(2)).toEqual(['stop b', 'stop a']);
});

test.each([
  { attempt: 1, random: 0.5, millis: 50 },
  { attempt: 3, random: 0.5, millis: 200 },
  { attempt: 9, random: 0.5, millis: 500 },
  { attempt: 500, random: 1, millis: 1000 },
  { attempt: 5, random: 0, millis: 0 },
])('attempt $attempt waits $millis ms when chance says $random', ({ attempt, random, millis }) => {
  const options = { firstMillis: 100, maxMillis: 1000, random: () => random };
  expect(backoffMillis(attempt, options)).toBe(millis);
});

test('a pause ends at once, and without an error, when it is aborted', async () => {
  const before = resourcesInUse();
  const stopping = new AbortController();
  const pausing = pause(3_600_000, stopping.signal);
  stopping.abort();
  await pausing;
  await pause(3_600_000, stopping.signal);
  await expect.poll(() => leakedSince(before)).toEqual([]);
});
