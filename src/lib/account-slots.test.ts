import { once } from 'node:events';
import { expect, test } from 'vitest';
import { AccountSlots } from './account-slots.ts';

test('an account whose tasks hang does not delay another account', async () => {
  const slots = new AccountSlots({ max: 3, maxPerAccount: 2 });
  const end = new AbortController();
  const hung = Array.from({ length: 5 }, () => slots.run('1', () => once(end.signal, 'abort')));
  expect(await slots.run('2', async () => 'done')).toBe('done');
  expect(await slots.run('2', async () => 'again')).toBe('again');
  end.abort();
  await Promise.race(hung);
});

test('a task that fails frees its slot', async () => {
  const slots = new AccountSlots({ max: 1, maxPerAccount: 1 });
  const failed = slots.run('1', async () => {
    throw new Error('broken');
  });
  await expect(failed).rejects.toThrow('broken');
  expect(await slots.run('1', async () => 'done')).toBe('done');
});
