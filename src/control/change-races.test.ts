import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Monitors, UpdateMonitorRequest } from './monitors.ts';
import type { Scopes } from './scopes.ts';
import type { TagChange } from './tags.ts';
import { type ControlBench, controlBench, owner } from './testing.ts';

/** `NFM_TEST_POSTGRES_URL` names a PostgreSQL database that the test may empty. */
const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;

const zone = (n: number) => ({ type: 'AWS::AvailabilityZone', identifier: `use1-az${n}` }) as const;
const nothing: UpdateMonitorRequest = {
  addLocal: [],
  removeLocal: [],
  addRemote: [],
  removeRemote: [],
};
const target = { account: owner.account, region: owner.region };

async function allOf<T>(calls: readonly Promise<T>[]) {
  const outcomes = await Promise.allSettled(calls);
  return {
    done: outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    refused: outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : [])),
  };
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

const engines = [
  { name: 'SQLite', url: undefined, skipped: false },
  { name: 'PostgreSQL', url: postgresUrl, skipped: postgresUrl === undefined },
];
describe.each(engines)('concurrent changes on $name', ({ url, skipped }) => {
  let bench: ControlBench;
  let scopes: Scopes;
  let monitors: Monitors;
  let scopeId: string;
  beforeEach(async (context) => {
    if (skipped) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    bench = await controlBench(url);
    scopes = bench.scopes();
    monitors = bench.monitors();
    const scope = await scopes.create(owner, { targets: [target], tags: {} });
    scopeId = scope.scopeId;
    await bench.setScopeStatus('SUCCEEDED');
    for (const monitorName of ['web', 'other']) {
      const resources = { localResources: [zone(1)], remoteResources: [] };
      const { scopeArn } = scope;
      await monitors.create(owner, { monitorName, ...resources, scopeArn, tags: {} });
    }
  });
  afterEach(async () => {
    if (!skipped) await bench[Symbol.asyncDispose]();
  });

  test('one of 50 updates of a scope succeeds and the others get ConflictException', async () => {
    const { done, refused } = await allOf(
      times(50, (i) => {
        const add = [{ ...target, region: `region-${i}` }];
        return scopes.update(owner, scopeId, { add, remove: [] });
      }),
    );
    expect(done).toHaveLength(1);
    expect(refused).toEqual(new Array(49).fill('ConflictException'));
    expect((await scopes.get(owner, scopeId)).targets).toEqual(done[0]?.targets);
  });

  test('100 updates of a monitor with one token change it once and get equal answers', async () => {
    const request = { ...nothing, addRemote: [zone(2)], clientToken: 'token-1' };
    const { done } = await allOf(times(100, () => monitors.update(owner, 'web', request)));
    expect(done).toHaveLength(100);
    for (const answer of done) expect(answer).toEqual(done[0]);
    expect(await monitors.get(owner, 'web')).toEqual(done[0]);
  });

  test('a token used for two monitors changes one of them', async () => {
    const { done, refused } = await allOf(
      times(20, (i) =>
        monitors.update(owner, i % 2 === 0 ? 'web' : 'other', {
          ...nothing,
          addRemote: [zone(2)],
          clientToken: 'token-1',
        }),
      ),
    );
    expect(new Set(done.map(({ monitorName }) => monitorName)).size).toBe(1);
    expect(refused).toEqual(new Array(10).fill('ConflictException'));
    const { items } = await monitors.list(owner, { limit: 2 });
    expect(items.filter(({ remoteResources }) => remoteResources.length > 0)).toEqual([done[0]]);
  });

  test('of 40 updates that add one resource each, as many succeed as the quota allows', async () => {
    const { done, refused } = await allOf(
      times(40, (i) =>
        monitors.update(owner, 'web', { ...nothing, addRemote: [zone(i)], clientToken: `t${i}` }),
      ),
    );
    expect(done).toHaveLength(25);
    expect(refused).toEqual(new Array(15).fill('ServiceQuotaExceededException'));
    const { remoteResources } = await monitors.get(owner, 'web');
    const kept = new Set(remoteResources.map(({ identifier }) => identifier));
    for (const answer of done) {
      for (const { identifier } of answer.remoteResources) expect(kept).toContain(identifier);
    }
    expect(remoteResources).toHaveLength(25);
  });

  test('an update concurrent with a deletion either succeeds before it or is rejected', async () => {
    const { refused } = await allOf<unknown>([
      ...times(10, (i) => monitors.update(owner, 'web', { ...nothing, addRemote: [zone(i)] })),
      monitors.delete(owner, 'web'),
      ...times(10, (i) => monitors.update(owner, 'web', { ...nothing, removeRemote: [zone(i)] })),
    ]);
    expect(new Set([...refused, 'ConflictException'])).toEqual(new Set(['ConflictException']));
    expect((await monitors.get(owner, 'web')).status).toBe('DELETING');
  });

  const kinds = [
    {
      kind: 'a scope',
      change: (change: TagChange) => scopes.changeTags(owner, scopeId, change),
      read: async () => (await scopes.get(owner, scopeId)).tags,
    },
    {
      kind: 'a monitor',
      change: (change: TagChange) => monitors.changeTags(owner, 'web', change),
      read: async () => (await monitors.get(owner, 'web')).tags,
    },
  ];
  test.each(kinds)('tags of $kind: all 100 changes take effect', async ({ change, read }) => {
    await change({ add: Object.fromEntries(times(50, (i) => [`old-${i}`, ''])) });
    await Promise.all([
      ...times(50, (i) => change({ add: { [`new-${i}`]: '' } })),
      ...times(50, (i) => change({ removeKeys: [`old-${i}`] })),
    ]);
    expect(new Set(Object.keys(await read()))).toEqual(new Set(times(50, (i) => `new-${i}`)));
  });

  test.each(kinds)('tags of $kind: never more than 200', async ({ change, read }) => {
    await change({ add: Object.fromEntries(times(190, (i) => [`old-${i}`, ''])) });
    const { refused } = await allOf(times(20, (i) => change({ add: { [`new-${i}`]: '' } })));
    expect(refused).toEqual(new Array(10).fill('ValidationException'));
    expect(Object.keys(await read())).toHaveLength(200);
  });
});
