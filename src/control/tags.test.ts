import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TagChange, Tags } from './tags.ts';
import { type ControlBench, controlBench, owner, webMonitor } from './testing.ts';

let bench: ControlBench;
let scopeId: string;
beforeEach(async () => {
  bench = await controlBench();
  const target = { account: owner.account, region: owner.region };
  const scope = await bench.scopes().create(owner, { targets: [target], tags: { team: 'a' } });
  scopeId = scope.scopeId;
  await bench.monitors().create(owner, { ...webMonitor(scope.scopeArn), tags: { team: 'a' } });
});
afterEach(() => bench[Symbol.asyncDispose]());

const kinds = [
  {
    kind: 'a scope',
    change: (change: TagChange, id = scopeId) => bench.scopes().changeTags(owner, id, change),
    read: async () => (await bench.scopes().get(owner, scopeId)).tags,
    remove: async () => {
      await bench.monitors().delete(owner, 'web');
      await bench.setScopeStatus('SUCCEEDED');
      await bench.scopes().delete(owner, scopeId);
    },
  },
  {
    kind: 'a monitor',
    change: (change: TagChange, id = 'web') => bench.monitors().changeTags(owner, id, change),
    read: async () => (await bench.monitors().get(owner, 'web')).tags,
    remove: () => bench.monitors().delete(owner, 'web'),
  },
];

const tagsOf = (count: number): Tags =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, `${i}`]));

describe.each(kinds)('tags of $kind', ({ change, read, remove }) => {
  test('are added, replaced by key, and removed by key', async () => {
    await change({ add: { stage: 'test', team: 'b' } });
    expect(await read()).toEqual({ stage: 'test', team: 'b' });
    await change({ removeKeys: ['team', 'team', 'never'] });
    expect(await read()).toEqual({ stage: 'test' });
    await change({ add: {} });
    await change({ removeKeys: [] });
    expect(await read()).toEqual({ stage: 'test' });
  });

  test('number at most 200 after a change; values can still be replaced then', async () => {
    await change({ add: tagsOf(199) });
    await expect(change({ add: { another: '' } })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'tags: a resource has at most 200',
    });
    await change({ add: { team: 'b' } });
    expect(await read()).toEqual({ ...tagsOf(199), team: 'b' });
  });

  test.each([
    { name: "AWS's name space", add: { ok: '1', 'aws:name': 'x' } },
    { name: "AWS's name space in capitals", add: { 'AWS:name': 'x' } },
    { name: 'an empty key', add: { '': 'x' } },
    { name: 'a key of 129 characters', add: { ['k'.repeat(129)]: 'x' } },
    { name: 'a value of 257 characters', add: { k: 'v'.repeat(257) } },
  ])('are rejected as a whole: $name', async ({ add }) => {
    await expect(change({ add })).rejects.toMatchObject({ name: 'ValidationException' });
    expect(await read()).toEqual({ team: 'a' });
  });

  test('are measured in characters, not in UTF-16 units', async () => {
    const add = { ['😀'.repeat(128)]: '😀'.repeat(256) };
    await change({ add });
    expect(await read()).toEqual({ team: 'a', ...add });
  });

  test('of an unknown resource are not found; of one being deleted are a conflict', async () => {
    await expect(change({ add: {} }, 'none')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await remove();
    await expect(change({ removeKeys: ['team'] })).rejects.toMatchObject({
      name: 'ConflictException',
    });
    expect(await read()).toEqual({ team: 'a' });
  });

  test('survive a restart', async () => {
    await change({ add: { ['__proto__']: 'x', constructor: 'y' } });
    await bench.reopen();
    expect(Object.entries(await read())).toEqual(
      expect.arrayContaining([
        ['__proto__', 'x'],
        ['constructor', 'y'],
        ['team', 'a'],
      ]),
    );
  });

  test('after any sequence of changes equal those of a map', async () => {
    const key = fc.constantFrom('team', 'a', 'b', '__proto__', 'toString', 'ü');
    const step = fc.oneof(
      fc.dictionary(key, fc.string({ maxLength: 3 })).map((add): TagChange => ({ add })),
      fc.array(key, { maxLength: 3 }).map((removeKeys): TagChange => ({ removeKeys })),
    );
    const model = new Map(Object.entries(await read()));
    await fc.assert(
      fc.asyncProperty(step, async (asked) => {
        await change(asked);
        if ('add' in asked) for (const [k, v] of Object.entries(asked.add)) model.set(k, v);
        else for (const k of asked.removeKeys) model.delete(k);
        expect(new Map(Object.entries(await read()))).toEqual(model);
      }),
      { numRuns: 100 },
    );
  });
});

test("tagging keeps a monitor's time of modification and works while a scope is IN_PROGRESS", async () => {
  const before = await bench.monitors().get(owner, 'web');
  bench.clock.advance(60_000);
  await bench.monitors().changeTags(owner, 'web', { add: { a: '1' } });
  expect((await bench.monitors().get(owner, 'web')).modifiedAtMillis).toBe(before.modifiedAtMillis);
  await bench.scopes().changeTags(owner, scopeId, { add: { a: '1' } });
  expect((await bench.scopes().get(owner, scopeId)).status).toBe('IN_PROGRESS');
});
