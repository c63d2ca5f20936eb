import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../lib/log.ts';
import { InconclusiveError } from '../model/inconclusive-error.ts';
import type { ScopeTarget } from '../model/scope.ts';
import { ScopeWorker, type ScopeWorkerDeps } from './scope-worker.ts';
import { type ControlBench, controlBench, owner, webMonitor } from './testing.ts';

const target = { account: owner.account, region: owner.region };
const request = { targets: [target], tags: {} };

let bench: ControlBench;
let worker: ScopeWorker | undefined;
beforeEach(async () => {
  bench = await controlBench();
  worker = undefined;
});
afterEach(async () => {
  await worker?.stop();
  await bench[Symbol.asyncDispose]();
});

async function startWorker(
  buildTopology: ScopeWorkerDeps['buildTopology'],
  more: Pick<ScopeWorkerDeps, 'patienceMillis'> = {},
): Promise<ScopeWorker> {
  const { database, clock } = bench;
  worker = new ScopeWorker({ database, clock, log: silentLog, buildTopology, ...more });
  await worker.start();
  return worker;
}

const awake = () => ({ wake: () => worker?.wake() });

test('a new scope is SUCCEEDED once its topology is built', async () => {
  const built: (readonly ScopeTarget[])[] = [];
  const gate = new AbortController();
  await startWorker(async (targets) => {
    built.push(targets);
    await once(gate.signal, 'abort');
  });
  const scopes = bench.scopes(awake());
  const { scopeId } = await scopes.create(owner, request);
  await vi.waitFor(() => expect(built).toEqual([[target]]));
  expect((await scopes.get(owner, scopeId)).status).toBe('IN_PROGRESS');
  gate.abort();
  await vi.waitFor(async () => {
    expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
  });
});

test('a scope whose topology cannot be built is FAILED with the reason and can be deleted', async () => {
  await startWorker(async () => {
    throw new Error('no host of 123456789012 was ever seen');
  });
  const scopes = bench.scopes(awake());
  const { scopeId } = await scopes.create(owner, request);
  await vi.waitFor(async () => {
    expect(await scopes.get(owner, scopeId)).toMatchObject({
      status: 'FAILED',
      reason: 'no host of 123456789012 was ever seen',
    });
  });
  await scopes.delete(owner, scopeId);
  await vi.waitFor(async () => {
    await expect(scopes.get(owner, scopeId)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

test('removes monitors and then their scope, whose token can create a new scope', async () => {
  await startWorker(async () => {});
  const scopes = bench.scopes(awake());
  const monitors = bench.monitors(awake());
  const withToken = { ...request, clientToken: 'token-1' };
  const { scopeId, scopeArn } = await scopes.create(owner, withToken);
  await vi.waitFor(async () => {
    expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
  });
  await monitors.create(owner, webMonitor(scopeArn));
  await monitors.delete(owner, 'web');
  await scopes.delete(owner, scopeId);
  await vi.waitFor(async () => {
    expect((await monitors.list(owner, { limit: 1 })).items).toEqual([]);
    expect((await scopes.list(owner, { limit: 1 })).items).toEqual([]);
  });
  expect((await scopes.create(owner, withToken)).scopeId).not.toBe(scopeId);
});

test('an updated scope is built for its new targets and SUCCEEDED again', async () => {
  const built: (readonly ScopeTarget[])[] = [];
  await startWorker(async (targets) => void built.push(targets));
  const scopes = bench.scopes(awake());
  const { scopeId } = await scopes.create(owner, request);
  const succeeds = () =>
    vi.waitFor(async () => {
      expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
    });
  await succeeds();
  const other = { ...target, region: 'eu-west-1' };
  const updated = await scopes.update(owner, scopeId, { add: [other], remove: [] });
  expect(updated.status).toBe('IN_PROGRESS');
  await succeeds();
  expect(built).toEqual([[target], [target, other]]);
});

test('a slow build does not decide the status for targets set after it began', async () => {
  const built: (readonly ScopeTarget[])[] = [];
  const gates = [new AbortController(), new AbortController()];
  await startWorker(async (targets) => {
    const gate = gates[built.length];
    built.push(targets);
    if (gate !== undefined) await once(gate.signal, 'abort');
  });
  const scopes = bench.scopes(awake());
  const { scopeId } = await scopes.create(owner, request);
  await vi.waitFor(() => expect(built).toHaveLength(1));
  // Another server finished first, and the scope was updated since.
  await bench.setScopeStatus('SUCCEEDED');
  const other = { ...target, region: 'eu-west-1' };
  await scopes.update(owner, scopeId, { add: [other], remove: [] });
  gates[0]?.abort();
  await vi.waitFor(() => expect(built).toEqual([[target], [target, other]]));
  expect((await scopes.get(owner, scopeId)).status).toBe('IN_PROGRESS');
  gates[1]?.abort();
  await vi.waitFor(async () => {
    expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
  });
});

test('an aborted build leaves its scope IN_PROGRESS, and the next start builds it', async () => {
  const scopes = bench.scopes();
  const { scopeId } = await scopes.create(owner, request);
  let begun = false;
  const first = await startWorker(async (_, signal) => {
    begun = true;
    await once(signal, 'abort');
    throw new Error('interrupted');
  });
  await vi.waitFor(() => expect(begun).toBe(true));
  await first.stop();
  expect((await scopes.get(owner, scopeId)).status).toBe('IN_PROGRESS');
  await startWorker(async () => {});
  await vi.waitFor(async () => {
    expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
  });
});

describe('targets that never answer', () => {
  const hang = async (_: unknown, signal: AbortSignal) => void (await once(signal, 'abort'));

  test('delay neither other scopes nor deletions', async () => {
    const isHung = (targets: readonly ScopeTarget[]) => targets[0]?.region === 'eu-west-1';
    await startWorker(async (targets, signal) => {
      if (isHung(targets)) await hang(targets, signal);
    });
    const scopes = bench.scopes(awake());
    const monitors = bench.monitors(awake());
    const west = { ...owner, region: 'eu-west-1' };
    await scopes.create(west, { ...request, targets: [{ ...target, region: west.region }] });
    const { scopeId, scopeArn } = await scopes.create(owner, request);
    await vi.waitFor(async () => {
      expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
    });
    await monitors.create(owner, webMonitor(scopeArn));
    await monitors.delete(owner, 'web');
    await vi.waitFor(async () => {
      expect((await monitors.list(owner, { limit: 1 })).items).toEqual([]);
    });
  });

  test('leave a scope that has the reason, and can be changed and deleted', async () => {
    const built: (readonly ScopeTarget[])[] = [];
    const build = async (targets: readonly ScopeTarget[], signal: AbortSignal) => {
      built.push(targets);
      if (targets.length === 1) await hang(targets, signal);
    };
    await startWorker(build, { patienceMillis: 10 });
    const scopes = bench.scopes(awake());
    const { scopeId } = await scopes.create(owner, request);
    await vi.waitFor(async () => {
      expect(await scopes.get(owner, scopeId)).toMatchObject({
        status: 'IN_PROGRESS',
        reason: 'the targets did not answer within 0.01 s; still reading',
      });
    });
    const other = { ...target, region: 'eu-west-1' };
    await scopes.update(owner, scopeId, { add: [other], remove: [] });
    await vi.waitFor(async () => {
      expect((await scopes.get(owner, scopeId)).status).toBe('SUCCEEDED');
    });
    await scopes.update(owner, scopeId, { add: [], remove: [other] });
    await vi.waitFor(async () => {
      expect((await scopes.get(owner, scopeId)).reason).toBeDefined();
    });
    await scopes.delete(owner, scopeId);
    await vi.waitFor(async () => {
      expect((await scopes.list(owner, { limit: 1 })).items).toEqual([]);
    });
    expect(built).toEqual([[target], [target, other]]);
  });
});

describe('a scope recovers by itself', () => {
  const later = () => {
    bench.clock.advance(60_000);
    worker?.wake();
  };

  test('from FAILED, when a later build succeeds', async () => {
    let reason = 'access denied: ec2:DescribeVpcs';
    await startWorker(async () => {
      if (reason !== '') throw new Error(reason);
    });
    const scopes = bench.scopes(awake());
    const { scopeId } = await scopes.create(owner, request);
    const becomes = (expected: object) =>
      vi.waitFor(async () => expect(await scopes.get(owner, scopeId)).toMatchObject(expected));
    await becomes({ status: 'FAILED', reason });
    reason = 'access denied: ec2:DescribeSubnets';
    later();
    await becomes({ status: 'FAILED', reason });
    reason = '';
    later();
    await becomes({ status: 'SUCCEEDED' });
    expect((await scopes.get(owner, scopeId)).reason).toBeUndefined();
  });

  test('after an inconclusive build, which does not fail it', async () => {
    let isRefused = true;
    await startWorker(async () => {
      if (isRefused) throw new InconclusiveError('connection refused');
    });
    const scopes = bench.scopes(awake());
    const { scopeId } = await scopes.create(owner, request);
    const becomes = (expected: object) =>
      vi.waitFor(async () => expect(await scopes.get(owner, scopeId)).toMatchObject(expected));
    await becomes({ status: 'IN_PROGRESS', reason: 'connection refused' });
    isRefused = false;
    later();
    await becomes({ status: 'SUCCEEDED' });
  });
});

test('stop leaves no timer', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const started = await startWorker(async () => {});
  await started.stop();
  const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  expect(after).toBe(before);
});
