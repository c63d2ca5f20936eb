import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApiError } from '../model/api-error.ts';
import type { MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { UpdateMonitorRequest } from './monitors.ts';
import { type ControlBench, controlBench, owner } from './testing.ts';

const zone = (n: number) => ({ type: 'AWS::AvailabilityZone', identifier: `use1-az${n}` }) as const;
const zones = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => zone(from + i));
type Zone = ReturnType<typeof zone>;
const service = { type: 'AWS::AWSService', identifier: 'S3' } as const;
const nothing: UpdateMonitorRequest = {
  addLocal: [],
  removeLocal: [],
  addRemote: [],
  removeRemote: [],
};

let bench: ControlBench;
let scopeArn: string;
beforeEach(async () => {
  bench = await controlBench();
  const target = { account: owner.account, region: owner.region };
  ({ scopeArn } = await bench.scopes().create(owner, { targets: [target], tags: {} }));
  await bench.setScopeStatus('SUCCEEDED');
  await createMonitor('web');
  bench.clock.advance(60_000);
});
afterEach(() => bench[Symbol.asyncDispose]());

async function createMonitor(monitorName: string): Promise<void> {
  await bench.monitors().create(owner, {
    monitorName,
    localResources: [zone(1), zone(2)],
    remoteResources: [],
    scopeArn,
    tags: { team: 'network' },
  });
}

test('adds and removes resources and sets the time of modification', async () => {
  const monitors = bench.monitors();
  const before = await monitors.get(owner, 'web');
  const updated = await monitors.update(owner, 'web', {
    ...nothing,
    addLocal: [zone(3)],
    removeLocal: [zone(1)],
    addRemote: [service, zone(2)],
  });
  expect(updated).toEqual({
    ...before,
    localResources: [zone(2), zone(3)],
    remoteResources: [service, zone(2)],
    modifiedAtMillis: bench.clock.now(),
  });
  expect(await monitors.get(owner, 'web')).toEqual(updated);
  const emptied = { ...nothing, removeRemote: [zone(2), service] };
  expect((await monitors.update(owner, 'web', emptied)).remoteResources).toEqual([]);
});

test.each([
  { name: 'adding a present resource', change: { addLocal: [zone(2), zone(2)] } },
  {
    name: 'removing absent resources',
    change: { removeLocal: [zone(9)], removeRemote: [service] },
  },
  { name: 'an empty change', change: {} },
])('$name succeeds and changes nothing', async ({ change }) => {
  const before = await bench.monitors().get(owner, 'web');
  expect(await bench.monitors().update(owner, 'web', { ...nothing, ...change })).toEqual(before);
  expect(await bench.monitors().get(owner, 'web')).toEqual(before);
});

describe('rejects', () => {
  const cases: {
    name: string;
    change: Partial<UpdateMonitorRequest>;
    error?: string;
    message: string;
  }[] = [
    {
      name: 'a change that leaves no local resource',
      change: { removeLocal: [zone(1), zone(2)] },
      message: 'localResources: at least 1',
    },
    {
      name: 'the same local resource in both lists',
      change: { addLocal: [zone(3)], removeLocal: [zone(3)] },
      message: "must not both contain 'use1-az3'",
    },
    {
      name: 'the same remote resource in both lists',
      change: { addRemote: [service], removeRemote: [service] },
      message: "remoteResourcesToAdd and remoteResourcesToRemove must not both contain 'S3'",
    },
    {
      name: '26 local resources',
      change: { addLocal: zones(3, 27) },
      error: 'ServiceQuotaExceededException',
      message: 'at most 25',
    },
    {
      name: '26 remote resources',
      change: { addRemote: zones(1, 27) },
      error: 'ServiceQuotaExceededException',
      message: 'at most 25',
    },
    {
      name: 'a malformed resource',
      change: { addRemote: [{ type: 'AWS::EC2::VPC', identifier: 'web' }] },
      message: 'an identifier of AWS::EC2::VPC must be a VPC id',
    },
    {
      name: 'the whole Region together with remaining zones',
      change: { addLocal: [{ type: 'AWS::Region', identifier: owner.region }] },
      message: 'must be the only one',
    },
  ];
  test.each(cases)('$name', async ({ change, error, message }) => {
    const before = await bench.monitors().get(owner, 'web');
    const updated = bench.monitors().update(owner, 'web', { ...nothing, ...change });
    await expect(updated).rejects.toMatchObject({
      name: error ?? 'ValidationException',
      message: expect.stringContaining(message),
    });
    expect(await bench.monitors().get(owner, 'web')).toEqual(before);
  });

  test('an unknown monitor, one of another owner, and one that is being deleted', async () => {
    const monitors = bench.monitors();
    const change = { ...nothing, addLocal: [zone(3)] };
    for (const [who, name] of [
      [owner, 'none'],
      [{ ...owner, region: 'eu-west-1' }, 'web'],
    ] as const) {
      await expect(monitors.update(who, name, change)).rejects.toMatchObject({
        name: 'ResourceNotFoundException',
      });
    }
    await monitors.delete(owner, 'web');
    await expect(monitors.update(owner, 'web', change)).rejects.toMatchObject({
      name: 'ConflictException',
    });
  });
});

test('the whole Region can replace zones', async () => {
  const region = { type: 'AWS::Region', identifier: owner.region } as const;
  const updated = await bench.monitors().update(owner, 'web', {
    ...nothing,
    addLocal: [region],
    removeLocal: [zone(1), zone(2)],
  });
  expect(updated.localResources).toEqual([region]);
});

describe('idempotency', () => {
  const request = { ...nothing, addRemote: [service], clientToken: 'token-1' };

  test('the same token gets the first answer again after other changes and after a restart', async () => {
    const first = await bench.monitors().update(owner, 'web', request);
    bench.clock.advance(60_000);
    // The quota is used up, so repeating the update as a new one would fail.
    const full = { ...nothing, removeRemote: [service], addRemote: zones(0, 25) };
    const now = await bench.monitors().update(owner, 'web', full);
    await bench.reopen();
    expect(await bench.monitors().update(owner, 'web', request)).toEqual(first);
    expect(await bench.monitors().get(owner, 'web')).toEqual(now);
  });

  test.each([
    { name: 'other resources', monitor: 'web', change: { addRemote: [zone(1)] } },
    { name: 'another monitor', monitor: 'other', change: {} },
  ])('the same token with $name is a conflict', async ({ monitor, change }) => {
    const monitors = bench.monitors();
    await createMonitor('other');
    await monitors.update(owner, 'web', request);
    const before = await monitors.get(owner, monitor);
    await expect(monitors.update(owner, monitor, { ...request, ...change })).rejects.toMatchObject({
      name: 'ConflictException',
      message: 'clientToken was used in another UpdateMonitor with other parameters',
    });
    expect(await monitors.get(owner, monitor)).toEqual(before);
  });

  test('a token is unused again after 24 hours and after the monitor was deleted', async () => {
    const monitors = bench.monitors();
    await monitors.update(owner, 'web', request);
    bench.clock.advance(24 * 3_600_000);
    const other = { ...request, addRemote: [zone(1)] };
    await monitors.update(owner, 'web', other);
    await monitors.delete(owner, 'web');
    await bench.database.withTables<{ monitor: object }>().deleteFrom('monitor').execute();
    await createMonitor('web');
    const updated = await monitors.update(owner, 'web', request);
    expect(updated.remoteResources).toEqual([service]);
  });

  test('a rejected update leaves its token unused', async () => {
    const monitors = bench.monitors();
    const refused = { ...request, removeLocal: [zone(1), zone(2)] };
    await expect(monitors.update(owner, 'web', refused)).rejects.toThrow('at least 1');
    expect((await monitors.update(owner, 'web', request)).remoteResources).toEqual([service]);
  });

  test.each(['', 'x'.repeat(65), 'ü'])('rejects the token %j', async (clientToken) => {
    const updated = bench.monitors().update(owner, 'web', { ...request, clientToken });
    await expect(updated).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

test('any sequence of updates has the effect of set operations, or is rejected', async () => {
  const quotas = { maxMonitors: 1, maxLocalResources: 3, maxRemoteResources: 3 };
  const monitors = bench.monitors({ quotas });
  const list = fc.array(fc.integer({ min: 1, max: 5 }).map(zone), { maxLength: 4 });
  const keyOf = ({ identifier }: MonitorLocalResource | MonitorRemoteResource) => identifier;
  const keysOf = async () => {
    const { localResources, remoteResources } = await monitors.get(owner, 'web');
    return [localResources.map(keyOf), remoteResources.map(keyOf)] as const;
  };
  await fc.assert(
    fc.asyncProperty(list, list, list, list, async (...lists) => {
      const [addLocal, removeLocal, addRemote, removeRemote] = lists;
      const before = await keysOf();
      const after = (present: readonly string[], add: readonly Zone[], remove: readonly Zone[]) =>
        new Set([
          ...present.filter((key) => !remove.some((one) => keyOf(one) === key)),
          ...add.map(keyOf),
        ]);
      const local = after(before[0], addLocal, removeLocal);
      const remote = after(before[1], addRemote, removeRemote);
      const overlaps = (a: readonly Zone[], b: readonly Zone[]) =>
        a.some((one) => b.some((other) => keyOf(one) === keyOf(other)));
      const legal =
        !overlaps(addLocal, removeLocal) &&
        !overlaps(addRemote, removeRemote) &&
        local.size >= 1 &&
        local.size <= 3 &&
        remote.size <= 3;
      const outcome = await monitors
        .update(owner, 'web', { addLocal, removeLocal, addRemote, removeRemote })
        .catch((error) => error);
      expect(outcome instanceof ApiError).toBe(!legal);
      const now = await keysOf();
      expect(now.map((keys) => new Set(keys))).toEqual(
        legal ? [local, remote] : before.map((keys) => new Set(keys)),
      );
    }),
    { numRuns: 200 },
  );
});
