import { expect, test } from 'vitest';
import { type Credentials, type Session, type SessionApi, SignInRejected } from './session.ts';
import { SessionStore } from './session-store.ts';

const SESSION: Session = { account: '000000000000', region: 'us-east-1', accessKeyId: 'KEY' };

/** A server that accepts one token and one key and holds one session. */
class SessionApiFake implements SessionApi {
  session: Session | undefined;
  reachable = true;

  async read(): Promise<Session | undefined> {
    this.#reach();
    return this.session;
  }

  async signIn(credentials: Credentials): Promise<Session> {
    this.#reach();
    const right =
      'token' in credentials
        ? credentials.token === 'right'
        : credentials.secretAccessKey === 'right';
    if (!right) throw new SignInRejected('Not known.');
    this.session = SESSION;
    return SESSION;
  }

  async signOut(): Promise<void> {
    this.#reach();
    this.session = undefined;
  }

  #reach(): void {
    if (!this.reachable) throw new TypeError('Failed to fetch');
  }
}

const SIGNED_IN = { status: 'signed-in', session: SESSION };

test('a valid token signs in without a notice', async () => {
  const store = new SessionStore({ api: new SessionApiFake(), token: 'right' });
  expect(store.state.get()).toEqual({ status: 'starting' });
  await store.start();
  expect(store.state.get()).toEqual(SIGNED_IN);
});

test('a rejected token leads to the sign-in form with the reason', async () => {
  const store = new SessionStore({ api: new SessionApiFake(), token: 'used' });
  await store.start();
  expect(store.state.get()).toEqual({
    status: 'signed-out',
    busy: false,
    notice: 'The sign-in link did not work: Not known.',
  });
});

test('a used token does not end an existing session', async () => {
  const api = new SessionApiFake();
  api.session = SESSION;
  const store = new SessionStore({ api, token: 'used' });
  await store.start();
  expect(store.state.get()).toEqual(SIGNED_IN);
});

test('without a token or session, the sign-in form has no notice', async () => {
  const store = new SessionStore({ api: new SessionApiFake() });
  await store.start();
  expect(store.state.get()).toEqual({ status: 'signed-out', busy: false, notice: undefined });
});

test('the sign-in form reports that the server does not respond', async () => {
  const api = new SessionApiFake();
  api.reachable = false;
  const store = new SessionStore({ api });
  await store.start();
  expect(store.state.get()).toMatchObject({ notice: 'The server does not respond.' });
});

test('a wrong key is rejected with the reason, and the right key signs in', async () => {
  const store = new SessionStore({ api: new SessionApiFake() });
  await store.start();
  const wrong = store.signIn({ accessKeyId: 'KEY', secretAccessKey: 'wrong' });
  expect(store.state.get()).toMatchObject({ busy: true });
  await wrong;
  expect(store.state.get()).toMatchObject({ status: 'signed-out', notice: 'Not known.' });
  await store.signIn({ accessKeyId: 'KEY', secretAccessKey: 'right' });
  expect(store.state.get()).toEqual(SIGNED_IN);
});

test('signing out ends the session on the server', async () => {
  const api = new SessionApiFake();
  const store = new SessionStore({ api, token: 'right' });
  await store.start();
  await store.signOut();
  expect(store.state.get()).toMatchObject({ status: 'signed-out', notice: undefined });
  expect(api.session).toBeUndefined();
});

test('signing out without the server ends the session in the page and warns about the server', async () => {
  const api = new SessionApiFake();
  const store = new SessionStore({ api, token: 'right' });
  await store.start();
  api.reachable = false;
  await store.signOut();
  expect(store.state.get()).toMatchObject({
    status: 'signed-out',
    notice: expect.stringContaining('not on the server'),
  });
});
