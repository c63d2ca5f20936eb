import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { type DoorAnswer, knock } from './door.ts';

let server: ServerProcess;
let host: string;
let token: string;

beforeAll(async () => {
  server = await ServerProcess.start({ flags: ['--sign-in-address'] });
  host = new URL(server.endpoint).host;
  while (!server.output.includes('#token=')) await delay(10);
  token = /#token=(\S+)/.exec(server.output)?.[1] ?? '';
});
afterAll(() => server?.dispose());

const get = (target: string, headers: Readonly<Record<string, string>> = {}) =>
  knock(server.endpoint, { method: 'GET', target, headers: { host, ...headers } });

function signIn(
  body: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<DoorAnswer> {
  return knock(server.endpoint, {
    target: '/console/api/sign-in',
    headers: { host, origin: `http://${host}`, ...headers },
    body: Buffer.from(JSON.stringify(body)),
  });
}

const sessionOf = (answer: DoorAnswer): string =>
  (answer.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';

async function keyOf(profile: 'default' | 'agent') {
  const { accessKeyId, secretAccessKey } = await server.credentials(profile);
  return { accessKeyId, secretAccessKey };
}

describe('without a session', () => {
  test.each(['/session', '/scopes', '/monitors', '/api/v1/flows'])(
    'GET /console/api%s returns no data, also on loopback',
    async (path) => {
      const answer = await get(`/console/api${path}`);
      expect([answer.status, answer.error]).toEqual([403, 'MissingAuthenticationTokenException']);
    },
  );

  test.each(['/scopes', '/api/v1/flows'])('nor does GET %s without a signature', async (path) => {
    const answer = await get(path);
    expect([answer.status, answer.error]).toEqual([403, 'MissingAuthenticationTokenException']);
  });

  test('nor with an invented cookie', async () => {
    const answer = await get('/console/api/session', { cookie: 'nfm_session=0123456789abcdef' });
    expect(answer.status).toBe(403);
  });
});

test('a sign-in token opens one session, whose cookie no script can read and no other site can use', async () => {
  const first = await signIn({ token });
  expect(first.status).toBe(200);
  const [cookie = ''] = first.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/; Path=\/console\/api\/;/);
  expect(cookie).toMatch(/; HttpOnly/);
  expect(cookie).toMatch(/; SameSite=Strict/);
  const session = { cookie: sessionOf(first) };
  expect((await get('/console/api/session', session)).status).toBe(200);
  const second = await signIn({ token });
  expect([second.status, second.error]).toEqual([403, 'AccessDeniedException']);
});

describe('the files of the console', () => {
  test.each(['/console/', '/console/monitors/web', '/console/monitors/a%2Fb?t=1h'])(
    'GET %s answers the console, which finds the page itself',
    async (target) => {
      const answer = await get(target);
      expect([answer.status, answer.headers['content-type']]).toEqual([
        200,
        'text/html; charset=utf-8',
      ]);
      expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
      expect(answer.text).toContain('<div id="root">');
    },
  );

  test('a browser may keep assets, whose names have a hash, and must ask for the page again', async () => {
    const page = await get('/console/');
    expect(page.headers['cache-control']).toBe('no-cache');
    const asset = /\/console\/assets\/[^"]+/.exec(page.text)?.[0] ?? '';
    const { headers } = await get(asset);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  test('a missing asset and a POST to a page are answered 404', async () => {
    expect((await get('/console/assets/index-missing.js')).status).toBe(404);
    const post = await knock(server.endpoint, { target: '/console/monitors', headers: { host } });
    expect(post.status).toBe(404);
  });
});

describe('with a session', () => {
  let session: string;
  beforeAll(async () => {
    session = sessionOf(await signIn(await keyOf('default')));
  });

  test('the answers equal those to a signed request', async () => {
    const answer = await get('/console/api/scopes', { cookie: session });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { scopes: [] }]);
  });

  test('the cookie is valid under /console/api/ only', async () => {
    const answer = await get('/scopes', { cookie: session });
    expect(answer.error).toBe('MissingAuthenticationTokenException');
  });

  test.each([
    { name: 'a name rebound to this address', headers: { host: 'evil.example' } },
    { name: 'a request from another site', headers: { origin: 'http://evil.example' } },
    { name: 'a request from another port', headers: { origin: 'http://127.0.0.1:1' } },
  ])('$name is refused', async ({ headers }) => {
    const answer = await get('/console/api/scopes', { cookie: session, ...headers });
    expect([answer.status, answer.error]).toEqual([403, 'AccessDeniedException']);
  });

  test('a change without an Origin is refused', async () => {
    const target = '/console/api/scopes';
    const body = Buffer.from('{}');
    const answer = await knock(server.endpoint, {
      target,
      headers: { host, cookie: session },
      body,
    });
    expect([answer.status, answer.error]).toEqual([403, 'AccessDeniedException']);
  });

  test('signing out ends it', async () => {
    const own = sessionOf(await signIn(await keyOf('default')));
    const headers = { host, origin: `http://${host}`, cookie: own };
    await knock(server.endpoint, { target: '/console/api/sign-out', headers });
    expect((await get('/console/api/session', { cookie: own })).status).toBe(403);
  });
});

describe('signing in is refused', () => {
  test.each([
    { name: 'with another secret', change: { secretAccessKey: 'a guess' } },
    { name: 'with an unknown key', change: { accessKeyId: 'AKIAUNKNOWN000000000' } },
  ])('$name', async ({ change }) => {
    const answer = await signIn({ ...(await keyOf('default')), ...change });
    expect([answer.status, answer.error]).toEqual([403, 'AccessDeniedException']);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  test("with an agent's key", async () => {
    const answer = await signIn(await keyOf('agent'));
    expect([answer.status, answer.error]).toEqual([403, 'AccessDeniedException']);
  });

  test('from another site', async () => {
    const answer = await signIn(await keyOf('default'), { origin: 'http://evil.example' });
    expect([answer.status, answer.error]).toEqual([403, 'AccessDeniedException']);
  });
});
