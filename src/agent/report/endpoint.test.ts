import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FakeClock, systemClock } from '../../lib/clock.ts';
import { steadyClock } from '../steady-clock.ts';
import { Endpoint } from './endpoint.ts';
import { type HttpConnectionOptions, openConnections } from './open-connections.ts';
import { ServerClock } from './server-clock.ts';

interface Received {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const MINUTE = 60_000;
const REPORT = { bytes: Buffer.from('report'), isGzip: false };
const never = AbortSignal.any([]);

let folder: string;
let certificate: string;
let server: Server;
let proxy: Server;
let endpoint: Endpoint;
let received: Received[];
/** The targets of the proxy's requests: a URL, or the host and port of a CONNECT. */
let proxied: (string | undefined)[];
/** The statuses of the next answers; after them 200. */
let answers: number[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-endpoint-'));
  certificate = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'key.pem')];
  const argv = ['req', '-x509', ...made, '-out', certificate, '-days', '1', ...subject];
  execFileSync('openssl', argv, { stdio: 'ignore' });
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  received = [];
  proxied = [];
  answers = [];
});
afterEach(async () => {
  endpoint.close();
  for (const each of [server, proxy]) {
    each?.closeAllConnections();
    each?.close();
  }
});

/** Node 24 adds advice after a semicolon. */
const SELF_SIGNED = expect.stringMatching(/^self-signed certificate(;|$)/);

async function listen(what: Server): Promise<number> {
  await once(what.listen(0, '127.0.0.1'), 'listening');
  return (what.address() as AddressInfo).port;
}

async function serve(isTls = false): Promise<URL> {
  const key = join(folder, 'key.pem');
  server = isTls
    ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) })
    : createServer();
  server.on('request', (asked, response) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => {
      const { method, url, headers } = asked;
      received.push({ method, headers, target: url, body: Buffer.concat(chunks) });
      response.statusCode = answers.shift() ?? 200;
      response.end('{"message":"no"}');
    });
  });
  return new URL(`${isTls ? 'https' : 'http'}://127.0.0.1:${await listen(server)}/publish`);
}

function open(
  url: URL,
  {
    clock = systemClock,
    ...connections
  }: Partial<HttpConnectionOptions> & { clock?: FakeClock | typeof systemClock } = {},
): Endpoint {
  endpoint = new Endpoint({
    url,
    region: 'us-east-1',
    credentials: async () => ({ accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'T' }),
    clock: new ServerClock({ clock, steady: steadyClock }),
    agent: openConnections(url, { proxy: connections.proxy, caFile: connections.caFile }),
  });
  return endpoint;
}

/** A forward proxy: absolute targets for http, CONNECT for https. */
async function serveProxy(): Promise<URL> {
  proxy = createServer((asked, response) => {
    proxied.push(asked.url);
    const { method, headers } = asked;
    const on = request(asked.url ?? '', { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    asked.pipe(on);
  });
  proxy.on('connect', (asked, socket) => {
    proxied.push(asked.url);
    const [host = '', port = ''] = (asked.url ?? '').split(':');
    const on = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      on.pipe(socket);
      socket.pipe(on);
    });
    on.on('error', () => socket.destroy());
    socket.on('error', () => on.destroy());
  });
  return new URL(`http://127.0.0.1:${await listen(proxy)}`);
}

test('a report arrives signed', async () => {
  const to = open(await serve());
  expect(await to.post({ bytes: REPORT.bytes, isGzip: true }, never)).toEqual({
    status: 'accepted',
  });
  const { headers, target, body } = received[0]!;
  expect(target).toBe('/publish');
  expect(body.toString()).toBe('report');
  expect(headers['content-type']).toBe('application/x-protobuf');
  expect(headers['content-encoding']).toBe('gzip');
  expect(headers['x-amz-security-token']).toBe('T');
  expect(headers.authorization).toMatch(/Credential=AK\/\d{8}\/us-east-1\/networkflowmonitor\//);
  expect(headers.authorization).toContain('content-encoding;');
});

test('without compression the header is absent', async () => {
  await open(await serve()).post(REPORT, never);
  expect(received[0]?.headers['content-encoding']).toBe(undefined);
});

test.each([
  { status: 403, outcome: 'forbidden' },
  { status: 400, outcome: 'rejected' },
  { status: 413, outcome: 'rejected' },
  { status: 415, outcome: 'rejected' },
  { status: 204, outcome: 'failed' },
  { status: 429, outcome: 'failed' },
  { status: 503, outcome: 'failed' },
])('an answer of $status means $outcome', async ({ status, outcome }) => {
  answers = [status];
  const result = await open(await serve()).post(REPORT, never);
  expect(result).toMatchObject({ status: outcome, httpStatus: status });
  expect(received).toHaveLength(1);
});

test('an unreachable server is a failed post, not an exception', async () => {
  const result = await open(new URL('http://127.0.0.1:9/publish')).post(REPORT, never);
  expect(result).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test.each([
  { name: 'behind', millis: -3 * 60 * MINUTE },
  { name: 'ahead', millis: 3 * 60 * MINUTE },
])(
  'a host whose clock is hours $name is refused once, and goes by the server from then on',
  async ({ millis }) => {
    answers = [403];
    const clock = new FakeClock(Date.now() + millis);
    const to = open(await serve(), { clock });
    expect(await to.post(REPORT, never)).toEqual({ status: 'accepted' });
    expect(await to.post(REPORT, never)).toEqual({ status: 'accepted' });
    const off = received.map(({ headers }) => signedAt(headers) - Date.now());
    expect(off).toHaveLength(3);
    expect(Math.abs(off[0]! - millis)).toBeLessThan(MINUTE);
    expect(Math.abs(off[1]!)).toBeLessThan(MINUTE);
    expect(Math.abs(off[2]!)).toBeLessThan(MINUTE);
  },
);

function signedAt(headers: IncomingHttpHeaders): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

test('a host that learns the time first is not rejected at all', async () => {
  const to = open(await serve(), { clock: new FakeClock(0) });
  expect(await to.learnTime(never)).toBe(200);
  await to.post(REPORT, never);
  expect(received.map(({ method }) => method)).toEqual(['HEAD', 'POST']);
  expect(received[0]?.headers.authorization).toBe(undefined);
  expect(Math.abs(signedAt(received[1]!.headers) - Date.now())).toBeLessThan(MINUTE);
});

test('the CA file is trusted instead of the built-in certificates', async () => {
  const url = await serve(true);
  expect(await open(url, { caFile: certificate }).post(REPORT, never)).toEqual({
    status: 'accepted',
  });
  endpoint.close();
  expect(await open(url).post(REPORT, never)).toMatchObject({ reason: SELF_SIGNED });
});

test('a CA file without a certificate is an error', () => {
  const url = new URL('https://127.0.0.1/');
  const path = import.meta.filename;
  expect(() => openConnections(url, { proxy: undefined, caFile: path })).toThrow(
    'no PEM certificate',
  );
  const gone = join(folder, 'gone');
  expect(() => openConnections(url, { proxy: undefined, caFile: gone })).toThrow('cannot read');
});

test('a proxy gets the absolute URL of a plain endpoint', async () => {
  const url = await serve();
  const to = open(url, { proxy: await serveProxy() });
  for (let i = 0; i < 3; i += 1) {
    expect(await to.post(REPORT, never)).toEqual({ status: 'accepted' });
  }
  expect(proxied).toEqual([url.href, url.href, url.href]);
  expect(received.map(({ target }) => target)).toEqual(['/publish', '/publish', '/publish']);
  expect(received.map(({ headers }) => headers.host)).toEqual([url.host, url.host, url.host]);
});

test('a proxy opens one tunnel to a TLS endpoint, whose certificate is checked', async () => {
  const url = await serve(true);
  const connections = await serveProxy();
  const to = open(url, { proxy: connections, caFile: certificate });
  for (let i = 0; i < 3; i += 1) {
    expect(await to.post(REPORT, never)).toEqual({ status: 'accepted' });
  }
  expect(proxied).toEqual([url.host]);
  to.close();
  expect(await open(url, { proxy: connections }).post(REPORT, never)).toMatchObject({
    reason: SELF_SIGNED,
  });
});

test('an unreachable proxy is a failed post, not an exception', async () => {
  const url = await serve(true);
  const to = open(url, { proxy: new URL('http://127.0.0.1:9') });
  expect(await to.post(REPORT, never)).toMatchObject({ status: 'failed' });
});
