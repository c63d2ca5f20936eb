import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('tasks run one at a time and in order, also after one that failed', async () => {
  const turns = new Turns();
  const events: string[] = [];
  const step = (name: string) => async () => {
    events.push(`${name} begins`);
    await Promise.resolve();
    events.push(`${name} ends`);
    if (name === 'b') throw new Error('b failed');
    return name;
  };
  const [a, b, c] = ['a', 'b', 'c'].map((name) => turns.take(step(name)));
  await expect(b).rejects.toThrow('b failed');
  expect([await a, await c]).toEqual(['a', 'c']);
  await turns.idle();
  expect(events).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});
