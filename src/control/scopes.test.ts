import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ScopeTarget } from '../model/scope.ts';
import { type ControlBench, controlBench, organizationOf, owner, webMonitor } from './testing.ts';

/** `NFM_TEST_POSTGRES_URL` names a PostgreSQL database that the test may empty. */
const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;

const target = { account: owner.account, region: owner.region };
const request = { targets: [target], clientToken: 'token-1', tags: { team: 'network' } };

let bench: ControlBench;
beforeEach(async () => {
  bench = await controlBench();
});
afterEach(() => bench[Symbol.asyncDispose]());

test('a new scope is IN_PROGRESS and can be read back', async () => {
  const scopes = bench.scopes();
  const scope = await scopes.create(owner, request);
  expect(scope).toEqual({
    scopeId: '97626f8d-8a21-4b5d-813a-000000000001',
    scopeArn:
      'arn:aws:networkflowmonitor:us-east-1:123456789012:scope/97626f8d-8a21-4b5d-813a-000000000001',
    status: 'IN_PROGRESS',
    targets: [target],
    tags: { team: 'network' },
  });
  expect(await scopes.get(owner, scope.scopeId)).toEqual(scope);
  expect(await scopes.list(owner, { limit: 25 })).toEqual({ items: [scope] });
  expect(bench.wakes()).toBe(1);
});

test('another account or Region can neither read nor delete a scope', async () => {
  const scopes = bench.scopes();
  const { scopeId } = await scopes.create(owner, request);
  await bench.setScopeStatus('SUCCEEDED');
  for (const other of [
    { ...owner, account: '210987654321' },
    { ...owner, region: 'eu-west-1' },
  ]) {
    const missing = { name: 'ResourceNotFoundException' };
    await expect(scopes.get(other, scopeId)).rejects.toMatchObject(missing);
    await expect(scopes.delete(other, scopeId)).rejects.toMatchObject(missing);
    expect(await scopes.list(other, { limit: 25 })).toEqual({ items: [] });
  }
});

describe('idempotency', () => {
  test('the same token and parameters get the first answer again, even after changes', async () => {
    const scopes = bench.scopes();
    const first = await scopes.create(owner, request);
    await bench.setScopeStatus('SUCCEEDED');
    expect(await scopes.create(owner, request)).toEqual(first);
  });

  test('parameters are the same despite another order of tags or repeated targets', async () => {
    const scopes = bench.scopes();
    const first = await scopes.create(owner, { ...request, tags: { a: '1', b: '2' } });
    const again = { ...request, targets: [target, target], tags: { b: '2', a: '1' } };
    expect(await scopes.create(owner, again)).toEqual(first);
  });

  test('a token survives a restart', async () => {
    const first = await bench.scopes().create(owner, request);
    await bench.reopen();
    expect(await bench.scopes().create(owner, request)).toEqual(first);
  });

  test.each([
    { name: 'tags', change: { tags: {} } },
    { name: 'targets', change: { targets: [{ ...target, region: 'eu-west-1' }] } },
  ])('the same token with other $name is a conflict', async ({ change }) => {
    const scopes = bench.scopes();
    await scopes.create(owner, request);
    await expect(scopes.create(owner, { ...request, ...change })).rejects.toMatchObject({
      name: 'ConflictException',
      message: 'clientToken was used in another CreateScope with other parameters',
    });
  });

  test('a token belongs to one account and Region', async () => {
    const scopes = bench.scopes();
    const first = await scopes.create(owner, request);
    const other = { ...owner, region: 'eu-west-1' };
    expect((await scopes.create(other, request)).scopeId).not.toBe(first.scopeId);
  });

  test('after 24 hours a token is unused, and the conflict names the existing scope', async () => {
    const scopes = bench.scopes();
    const { scopeId } = await scopes.create(owner, request);
    bench.clock.advance(24 * 3_600_000);
    await expect(scopes.create(owner, request)).rejects.toMatchObject({
      name: 'ConflictException',
      message: expect.stringContaining(scopeId),
    });
  });

  test('a failed call leaves its token unused', async () => {
    const scopes = bench.scopes();
    const { scopeId } = await scopes.create(owner, request);
    const second = { ...request, clientToken: 'token-2' };
    await expect(scopes.create(owner, second)).rejects.toThrow('already has a scope');
    await bench.setScopeStatus('SUCCEEDED');
    await scopes.delete(owner, scopeId);
    await removeScopes();
    expect((await scopes.create(owner, second)).scopeId).not.toBe(scopeId);
  });

  test('deleting a scope makes its token unused', async () => {
    const scopes = bench.scopes();
    const { scopeId } = await scopes.create(owner, request);
    await bench.setScopeStatus('FAILED');
    await scopes.delete(owner, scopeId);
    await expect(scopes.create(owner, request)).rejects.toThrow(`${scopeId} (DEACTIVATING)`);
    await removeScopes();
    expect((await scopes.create(owner, request)).scopeId).not.toBe(scopeId);
  });

  test.each(['', 'x'.repeat(65), 'ü', 'a\nb'])('rejects the token %j', async (clientToken) => {
    await expect(bench.scopes().create(owner, { ...request, clientToken })).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });
});

const engines = [
  { name: 'SQLite', url: undefined, skipped: false },
  { name: 'PostgreSQL', url: postgresUrl, skipped: postgresUrl === undefined },
];
describe.each(engines)('100 concurrent calls on $name', ({ url, skipped }) => {
  let racing: ControlBench;
  beforeEach(async (context) => {
    if (skipped) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    racing = await controlBench(url);
  });
  afterEach(async () => {
    if (!skipped) await racing[Symbol.asyncDispose]();
  });

  test('with one token create one scope and get equal answers, also after a restart', async () => {
    const scopes = racing.scopes();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => scopes.create(owner, request)),
    );
    expect(answers).toHaveLength(100);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await scopes.list(owner, { limit: 25 })).items).toEqual([answers[0]]);
    await racing.reopen();
    expect(await racing.scopes().create(owner, request)).toEqual(answers[0]);
  });

  test('with 100 tokens create one scope, and 99 get a conflict that names it', async () => {
    const scopes = racing.scopes();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) =>
        scopes.create(owner, { ...request, clientToken: `token-${i}` }),
      ),
    );
    const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect((await scopes.list(owner, { limit: 25 })).items).toEqual(made);
    expect(made).toHaveLength(1);
    expect(refused).toHaveLength(99);
    for (const reason of refused) {
      expect(reason.name).toBe('ConflictException');
      expect(reason.message).toContain(made[0]?.scopeId);
    }
  });
});

describe('targets', () => {
  const other: ScopeTarget = { account: '210987654321', region: 'us-east-1' };
  const many = (count: number): ScopeTarget[] =>
    Array.from({ length: count }, (_, i) => ({ ...target, region: `region-${i}` }));

  test.each([
    { name: 'none', targets: [], error: 'ValidationException' },
    {
      name: 'a short account',
      targets: [{ ...target, account: '1' }],
      error: 'ValidationException',
    },
    { name: 'an empty Region', targets: [{ ...target, region: '' }], error: 'ValidationException' },
    { name: 'a colon', targets: [{ ...target, region: 'a:b' }], error: 'ValidationException' },
    { name: '101', targets: many(101), error: 'ServiceQuotaExceededException' },
    { name: "another account's", targets: [target, other], error: 'AccessDeniedException' },
  ])('$name: $error', async ({ targets, error }) => {
    const created = bench.scopes().create(owner, { ...request, targets });
    await expect(created).rejects.toMatchObject({ name: error });
  });

  test('100 are allowed', async () => {
    const scope = await bench.scopes().create(owner, { ...request, targets: many(100) });
    expect(scope.targets).toHaveLength(100);
  });

  test("the management account may have other accounts' targets", async () => {
    const scopes = bench.scopes({ organization: organizationOf(owner.account, other.account) });
    const scope = await scopes.create(owner, { ...request, targets: [target, other] });
    expect(scope.targets).toEqual([target, other]);
  });
});

const tagsOf = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, '']));

test.each([
  { name: 'more than 200', tags: tagsOf(201) },
  { name: 'an empty key', tags: { '': 'x' } },
  { name: 'a key of 129 characters', tags: { ['k'.repeat(129)]: 'x' } },
  { name: 'a value of 257 characters', tags: { k: 'v'.repeat(257) } },
  { name: "a key in AWS's name space", tags: { 'aws:name': 'x' } },
])('rejects tags: $name', async ({ tags }) => {
  const created = bench.scopes().create(owner, { ...request, tags });
  await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
});

test('200 tags with the longest key and value are kept', async () => {
  const tags = { ...tagsOf(199), ['k'.repeat(128)]: 'v'.repeat(256) };
  const scopes = bench.scopes();
  const { scopeId } = await scopes.create(owner, { ...request, tags });
  expect((await scopes.get(owner, scopeId)).tags).toEqual(tags);
});

describe('deleting', () => {
  test('a scope that is IN_PROGRESS cannot be deleted', async () => {
    const scopes = bench.scopes();
    const { scopeId } = await scopes.create(owner, request);
    await expect(scopes.delete(owner, scopeId)).rejects.toMatchObject({
      name: 'ConflictException',
      message: expect.stringContaining('IN_PROGRESS'),
    });
  });

  test('a scope cannot be deleted before its monitors', async () => {
    const scopes = bench.scopes();
    const monitors = bench.monitors();
    const { scopeId, scopeArn } = await scopes.create(owner, request);
    await bench.setScopeStatus('SUCCEEDED');
    await monitors.create(owner, webMonitor(scopeArn));
    await expect(scopes.delete(owner, scopeId)).rejects.toMatchObject({
      name: 'ConflictException',
      message: expect.stringContaining('web'),
    });
    expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
    await monitors.delete(owner, 'web');
    await scopes.delete(owner, scopeId);
    expect((await scopes.get(owner, scopeId)).status).toBe('DEACTIVATING');
    await scopes.delete(owner, scopeId);
  });

  test('an unknown scope is not found', async () => {
    const deleted = bench.scopes().delete(owner, 'no-such-scope');
    await expect(deleted).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

async function removeScopes(): Promise<void> {
  await bench.database.withTables<{ scope: { status: string } }>().deleteFrom('scope').execute();
}
