import { expect, test } from 'vitest';
import { LateError, untilAborted, within } from './within.ts';

const never = new Promise<never>(() => {});
const { signal } = new AbortController();

test('passes on the result or the error of the work', async () => {
  await expect(within(Promise.resolve(1), { millis: 10_000, signal })).resolves.toBe(1);
  const failed = Promise.reject(new Error('broken'));
  await expect(within(failed, { millis: 10_000, signal })).rejects.toThrow('broken');
});

test('rejects when the time is up', async () => {
  const late = within(never, { millis: 5, signal });
  await expect(late).rejects.toThrow(LateError);
  await expect(late).rejects.toThrow('no answer within 0.005 s');
});

test('rejects with the reason of the signal', async () => {
  const stopping = new AbortController();
  const stopped = within(never, { millis: 10_000, signal: stopping.signal });
  stopping.abort(new Error('stopped'));
  await expect(stopped).rejects.toThrow('stopped');
});

test('untilAborted resolves when the signal aborts, and passes on an error before that', async () => {
  const stopping = new AbortController();
  const waiting = untilAborted(never, stopping.signal);
  stopping.abort();
  await waiting;
  await expect(untilAborted(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
});
