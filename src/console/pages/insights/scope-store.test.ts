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

test('a scope in use is found and not looked for again', async () => {
  const { store, timers } = setUp(scope('SUCCEEDED'));
  await store.look();
  expect(store.state.get()).toEqual({ scope: scope('SUCCEEDED'), busy: false });
  expect(timers.pending).toBe(0);
});

test('a scope in progress is looked at again until it is ready', async () => {
  const { store, timers, server } = setUp(scope('IN_PROGRESS'));
  await store.look();
  server.found = scope('SUCCEEDED');
  timers.advance(2_000);
  await expect.poll(() => store.state.get().scope).toEqual(scope('SUCCEEDED'));
});

test('without a scope one can be created for the account and Region', async () => {
  const { store, server } = setUp(undefined);
  await store.look();
  expect(store.state.get().scope).toBe('none');
  await store.create(OWNER);
  expect(server.created).toEqual([OWNER]);
  expect(store.state.get().scope).toEqual(scope('IN_PROGRESS'));
  store.stop();
});

test('a scope created elsewhere appears by itself', async () => {
  const { store, timers, server } = setUp(undefined);
  await store.look();
  server.found = scope('SUCCEEDED');
  timers.advance(2_000);
  await expect.poll(() => store.state.get().scope).toEqual(scope('SUCCEEDED'));
});

test('what fails is said, and a second try clears it', async () => {
  const { store, server } = setUp(scope('SUCCEEDED'));
  server.failure = new Error('down');
  await store.look();
  expect(store.state.get()).toMatchObject({ busy: false, error: 'down' });
  server.failure = undefined;
  await store.look();
  expect(store.state.get()).toEqual({ scope: scope('SUCCEEDED'), busy: false });
});

test('the end of the session is told', async () => {
  const { store, server, ended } = setUp(undefined);
  server.failure = new Error('who are you');
  await store.look();
  expect(ended).toEqual(['ended']);
});

test('after stop nothing is looked at any more', async () => {
  const { store, timers } = setUp(scope('IN_PROGRESS'));
  await store.look();
  store.stop();
  expect(timers.pending).toBe(0);
});
