import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../model/api-error.ts';
import type { ScopeTarget } from '../model/scope.ts';
import { type ControlBench, controlBench, organizationOf, owner } from './testing.ts';

const inRegion = (region: string): ScopeTarget => ({ account: owner.account, region });
const [own, second, third] = [inRegion('us-east-1'), inRegion('us-east-2'), inRegion('eu-west-1')];
const foreign: ScopeTarget = { account: '210987654321', region: 'us-east-1' };
const management = { organization: organizationOf(owner.account, foreign.account) };

let bench: ControlBench;
let scopeId: string;
beforeEach(async () => {
  bench = await controlBench();
  const request = { targets: [own, second], tags: { team: 'network' } };
  ({ scopeId } = await bench.scopes().create(owner, request));
  await bench.setScopeStatus('SUCCEEDED');
});
afterEach(() => bench[Symbol.asyncDispose]());

test('adds and removes targets and sets the scope IN_PROGRESS', async () => {
  const scopes = bench.scopes();
  const wakes = bench.wakes();
  const updated = await scopes.update(owner, scopeId, { add: [third], remove: [own] });
  expect(updated).toMatchObject({
    scopeId,
    status: 'IN_PROGRESS',
    targets: [second, third],
    tags: { team: 'network' },
  });
  expect(await scopes.get(owner, scopeId)).toEqual(updated);
  expect(bench.wakes()).toBe(wakes + 1);
});

test.each([
  { name: 'adding present targets', change: { add: [second, own], remove: [] } },
  { name: 'removing absent targets', change: { add: [], remove: [third, foreign] } },
  { name: 'an empty change', change: { add: [], remove: [] } },
])('$name succeeds and changes nothing', async ({ change }) => {
  const before = await bench.scopes().get(owner, scopeId);
  expect(await bench.scopes().update(owner, scopeId, change)).toEqual(before);
  expect(await bench.scopes().get(owner, scopeId)).toEqual(before);
});

test('updating a FAILED scope builds it again and clears the reason', async () => {
  const table = bench.database.withTables<{ scope: { status: string; reason: string } }>();
  await table.updateTable('scope').set({ status: 'FAILED', reason: 'no topology' }).execute();
  const updated = await bench.scopes().update(owner, scopeId, { add: [third], remove: [] });
  expect(updated.status).toBe('IN_PROGRESS');
  expect(updated).not.toHaveProperty('reason');
  expect(await bench.scopes().get(owner, scopeId)).toEqual(updated);
});

describe('rejects', () => {
  const many = Array.from({ length: 99 }, (_, i) => inRegion(`region-${i}`));
  const cases: {
    name: string;
    add?: ScopeTarget[];
    remove?: ScopeTarget[];
    error: string;
    message: string;
  }[] = [
    {
      name: 'the same target in both lists',
      add: [third, own],
      remove: [own],
      error: 'ValidationException',
      message: 'must not both contain 123456789012/us-east-1',
    },
    {
      name: 'a change that leaves no target',
      remove: [own, second],
      error: 'ValidationException',
      message: 'at least 1 target',
    },
    {
      name: '101 targets',
      add: many,
      error: 'ServiceQuotaExceededException',
      message: '101 targets, the maximum is 100',
    },
    {
      name: "another account's target",
      add: [foreign],
      error: 'AccessDeniedException',
      message: 'may not have account 210987654321',
    },
    {
      name: 'a malformed Region',
      add: [inRegion('a:b')],
      error: 'ValidationException',
      message: 'resourcesToAdd: region must',
    },
    {
      name: 'a malformed account to remove',
      remove: [{ ...own, account: '1' }],
      error: 'ValidationException',
      message: 'resourcesToDelete: accountId must',
    },
  ];
  test.each(cases)('$name', async ({ add = [], remove = [], error, message }) => {
    const before = await bench.scopes().get(owner, scopeId);
    await expect(bench.scopes().update(owner, scopeId, { add, remove })).rejects.toMatchObject({
      name: error,
      message: expect.stringContaining(message),
    });
    expect(await bench.scopes().get(owner, scopeId)).toEqual(before);
  });

  test('100 targets are allowed, counted after the removal', async () => {
    const updated = await bench.scopes().update(owner, scopeId, { add: many, remove: [own] });
    expect(updated.targets).toHaveLength(100);
  });

  test('every change while the scope is IN_PROGRESS', async () => {
    const scopes = bench.scopes();
    await scopes.update(owner, scopeId, { add: [third], remove: [] });
    for (const change of [
      { add: [own], remove: [] },
      { add: [], remove: [third] },
    ]) {
      await expect(scopes.update(owner, scopeId, change)).rejects.toMatchObject({
        name: 'ConflictException',
        message: expect.stringContaining('IN_PROGRESS'),
      });
    }
  });

  test('a scope that is being deleted, an unknown one, and one of another owner', async () => {
    const scopes = bench.scopes();
    const change = { add: [third], remove: [] };
    for (const [who, id] of [
      [owner, 'none'],
      [{ ...owner, region: 'eu-west-1' }, scopeId],
      [{ ...owner, account: '210987654321' }, scopeId],
    ] as const) {
      const target = { account: who.account, region: 'eu-west-1' };
      await expect(scopes.update(who, id, { add: [target], remove: [] })).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
      });
    }
    await scopes.delete(owner, scopeId);
    await expect(scopes.update(owner, scopeId, change)).rejects.toMatchObject({
      name: 'ConflictException',
    });
  });
});

test('the management account may add other accounts; a former one may still remove them', async () => {
  await bench.scopes(management).update(owner, scopeId, { add: [foreign], remove: [] });
  await bench.setScopeStatus('SUCCEEDED');
  const updated = await bench.scopes().update(owner, scopeId, { add: [], remove: [foreign] });
  expect(updated.targets).toEqual([own, second]);
});

test('any sequence of updates has the effect of set operations, or is rejected', async () => {
  const scopes = bench.scopes({ ...management, maxTargets: 4 });
  const target = fc.record({
    account: fc.constantFrom('123456789012', '210987654321'),
    region: fc.constantFrom('us-east-1', 'us-east-2', 'eu-west-1'),
  });
  const list = fc.array(target, { maxLength: 4 });
  const keyOf = ({ account, region }: ScopeTarget) => `${account}/${region}`;
  await fc.assert(
    fc.asyncProperty(list, list, async (add, remove) => {
      const before = new Set((await scopes.get(owner, scopeId)).targets.map(keyOf));
      const removed = new Set(remove.map(keyOf));
      const wanted = new Set([
        ...[...before].filter((key) => !removed.has(key)),
        ...add.map(keyOf),
      ]);
      const legal =
        !add.some((one) => removed.has(keyOf(one))) && wanted.size > 0 && wanted.size <= 4;
      const outcome = await scopes.update(owner, scopeId, { add, remove }).catch((error) => error);
      expect(outcome instanceof ApiError).toBe(!legal);
      const after = (await scopes.get(owner, scopeId)).targets.map(keyOf);
      expect(new Set(after)).toEqual(legal ? wanted : before);
      expect(after).toHaveLength(new Set(after).size);
      await bench.setScopeStatus('SUCCEEDED');
    }),
    { numRuns: 200 },
  );
});
