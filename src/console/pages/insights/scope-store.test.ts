import { expect, test } from 'vitest';
import type { ScopeStatus } from '../../../model/scope.ts';
import { FakeTimers } from '../../lib/testing.ts';
import type { ScopeSummary } from './insights-api.ts';
import { ScopeStore } from './scope-store.ts';

const OWNER = { account: '000000000000', region: 'us-east-1' };

function scope(status: ScopeStatus): ScopeSummary {
  return { scopeId: 'one', scopeArn: 'arn:one', status };
}

function setUp(found: ScopeSummary | undefined) {
  const timers = new FakeTimers(0);
  const ended: string[] = [];
  const server = { found, failure: undefined as Error | undefined, created: [] as unknown[] };
  const fail = () => {
    if (server.failure !== undefined) throw server.failure;
  };
  const store = new ScopeStore({
    api: {
      findScope: async () => {
        fail();
        return server.found;
      },
      createScope: async (owner) => {
        fail();
        server.created.push(owner);
        server.found = scope('IN_PROGRESS');
      },
    },
    timers,
    isSessionEnd: (error) => error instanceof Error && error.message === 'who are you',
    onSessionEnd: () => ended.push('ended'),
  });
  return { timers, ended, server, store };
}

test('a scope that is ready is read once', async () => {
  const { store, timers } = setUp(scope('SUCCEEDED'));
  await store.load();
  expect(store.state.get()).toEqual({ scope: scope('SUCCEEDED'), busy: false });
  expect(timers.pending).toBe(0);
});

test('a scope in progress is polled until it is ready', async () => {
  const { store, timers, server } = setUp(scope('IN_PROGRESS'));
  await store.load();
  server.found = scope('SUCCEEDED');
  timers.advance(2_000);
  await expect.poll(() => store.state.get().scope).toEqual(scope('SUCCEEDED'));
});

test('a missing scope can be created for the account and Region', async () => {
  const { store, server } = setUp(undefined);
  await store.load();
  expect(store.state.get().scope).toBe('none');
  await store.create(OWNER);
  expect(server.created).toEqual([OWNER]);
  expect(store.state.get().scope).toEqual(scope('IN_PROGRESS'));
  store.stop();
});

test('a scope that was created elsewhere appears', async () => {
  const { store, timers, server } = setUp(undefined);
  await store.load();
  server.found = scope('SUCCEEDED');
  timers.advance(2_000);
  await expect.poll(() => store.state.get().scope).toEqual(scope('SUCCEEDED'));
});

test('a failure is shown, and a successful try clears it', async () => {
  const { store, server } = setUp(scope('SUCCEEDED'));
  server.failure = new Error('down');
  await store.load();
  expect(store.state.get()).toMatchObject({ busy: false, error: 'down' });
  server.failure = undefined;
  await store.load();
  expect(store.state.get()).toEqual({ scope: scope('SUCCEEDED'), busy: false });
});

test('the end of the session is reported', async () => {
  const { store, server, ended } = setUp(undefined);
  server.failure = new Error('who are you');
  await store.load();
  expect(ended).toEqual(['ended']);
});

test('stop ends the polling', async () => {
  const { store, timers } = setUp(scope('IN_PROGRESS'));
  await store.load();
  store.stop();
  expect(timers.pending).toBe(0);
});
