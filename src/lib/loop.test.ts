import { setImmediate as immediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Loop, type LoopOptions } from './loop.ts';
import { leakedSince, resourcesInUse } from './testing.ts';

function loopOf(round: LoopOptions['round'], options: Partial<LoopOptions> = {}): Loop {
  const onError = (error: unknown) => expect.fail(String(error));
  return new Loop({ round, everyMillis: Infinity, onError, ...options });
}

/** Waits for microtasks and immediates in turn, so that other pending code can run. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await (i % 2 === 0 ? Promise.resolve() : immediate());
}

test('no wake-up is lost, whenever it comes', async () => {
  const waits = fc.array(fc.nat(6), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.nat(6), waits, async (roundTicks, waitsBefore) => {
      let wanted = 0;
      let done = 0;
      const loop = loopOf(async () => {
        const wantedAtStart = wanted;
        await ticks(roundTicks);
        done = wantedAtStart;
      });
      const wake = () => {
        wanted += 1;
        loop.wake();
      };
      wake();
      loop.start();
      for (const wait of waitsBefore) {
        await ticks(wait);
        wake();
      }
      await expect.poll(() => done, { interval: 1 }).toBe(wanted);
      await loop.stop();
    }),
    { numRuns: 100 },
  );
});

test('rounds never overlap, however often the loop is woken', async () => {
  let running = 0;
  let rounds = 0;
  const loop = loopOf(async () => {
    running += 1;
    expect(running).toBe(1);
    await ticks(3);
    running -= 1;
    rounds += 1;
  });
  loop.start();
  for (let i = 0; i < 50; i += 1) {
    loop.wake();
    await ticks(2);
  }
  await loop.stop();
  expect(rounds).toBeGreaterThan(1);
});

test('a wake-up before the start skips the first pause', async () => {
  let rounds = 0;
  const round = async () => {
    rounds += 1;
  };
  const loop = loopOf(round, { pausesFirst: true });
  loop.wake();
  loop.start();
  await expect.poll(() => rounds).toBe(1);
  await loop.stop();
});

test('a failed round is reported, and the next pause grows with the failures in a row', async () => {
  const outcomes = ['fails', 'fails', 'succeeds', 'fails'];
  const asked: number[] = [];
  const errors: unknown[] = [];
  const loop = loopOf(
    async () => {
      const outcome = outcomes.shift();
      if (outcome === 'fails') throw new Error('no database');
    },
    {
      everyMillis: 1,
      onError: (error) => errors.push(error),
      retryMillis: (failures) => {
        asked.push(failures);
        return 1;
      },
    },
  );
  loop.start();
  await expect.poll(() => asked).toEqual([1, 2, 1]);
  await loop.stop();
  expect(errors).toEqual(Array(3).fill(new Error('no database')));
});

test('stop aborts the signal, waits for the round and leaves nothing open', async () => {
  const before = resourcesInUse();
  let isOver = false;
  const loop = loopOf(async (signal) => {
    while (!signal.aborted) await immediate();
    await ticks(4);
    isOver = true;
  });
  loop.start();
  await loop.stop();
  expect(isOver).toBe(true);
  await expect.poll(() => leakedSince(before)).toEqual([]);
});

test('a loop that never started stops, and a stopped one starts no round', async () => {
  const loop = loopOf(() => expect.fail('no round'));
  await loop.stop();
  loop.start();
  await loop.stop();
});
