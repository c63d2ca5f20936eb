import { expect, test } from 'vitest';
import { createSessionApi, SignInRejected } from './session.ts';

const SESSION = { account: '000000000000', region: 'us-east-1', accessKeyId: 'KEY' };

/** The real calls with a fixed answer, and the requests that were sent. */
function setUp(status: number, body: unknown) {
  const requests: { path: string; init: RequestInit | undefined }[] = [];
  const api = createSessionApi(async (path, init) => {
    requests.push({ path: String(path), init });
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
  });
  return { api, requests };
}

test('signing in posts the credentials as JSON and returns the session', async () => {
  const { api, requests } = setUp(200, SESSION);
  expect(await api.signIn({ token: 'abc' })).toEqual(SESSION);
  expect(requests).toMatchObject([
    { path: '/console/api/sign-in', init: { method: 'POST', body: '{"token":"abc"}' } },
  ]);
});

test('403 rejects a sign-in with the server’s message', async () => {
  const { api } = setUp(403, { message: 'The token was used.' });
  await expect(api.signIn({ token: 'abc' })).rejects.toThrow(
    new SignInRejected('The token was used.'),
  );
});

test('403 without a message, from a proxy, rejects a sign-in', async () => {
  const { api } = setUp(403, '<html>');
  await expect(api.signIn({ token: 'abc' })).rejects.toThrow('The server rejected the sign-in.');
});

test('403 to a read means that there is no session', async () => {
  expect(await setUp(403, {}).api.read()).toBeUndefined();
});

const BROKEN = [
  { name: 'an error of the server', status: 500, body: {}, message: /answered 500/ },
  { name: 'an answer without an account', status: 200, body: { region: 'x' }, message: /account/ },
  { name: 'an empty answer', status: 200, body: '', message: /account/ },
];

test.each(BROKEN)('$name is an error', async ({ status, body, message }) => {
  await expect(setUp(status, body).api.read()).rejects.toThrow(message);
});

test('signing out accepts an empty answer', async () => {
  const { api, requests } = setUp(200, '');
  await api.signOut();
  expect(requests[0]).toMatchObject({ path: '/console/api/sign-out', init: { method: 'POST' } });
});
