import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import type { Credentials } from '../../src/wire/sigv4/sign.ts';
import { knock, metricsOf, REPORT_HEADERS, reportBytes, signed } from './door.ts';

const MIB = 1024 * 1024;

let server: ServerProcess;
let agent: Credentials;
const sockets: Socket[] = [];

beforeAll(async () => {
  server = await ServerProcess.start({
    flags: ['--trusted-proxies', '127.0.0.2/32', '--idle-seconds', '7'],
  });
  agent = await server.credentials('agent');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => server?.dispose());

/** Opens a connection, from another address of loopback if named, and sends these bytes. */
async function open(bytes: string | Uint8Array, localAddress = '127.0.0.1'): Promise<Socket> {
  const { hostname, port } = new URL(server.endpoint);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  await new Promise<void>((resolve) => {
    // The server may close a displaced sender's connection before all bytes are written.
    socket.once('close', () => resolve());
    socket.write(bytes, () => resolve());
  });
  return socket;
}

/** The status line and the rest of the answer to these bytes. */
async function exchange(bytes: string | Uint8Array, localAddress?: string): Promise<string> {
  return await text(await open(bytes, localAddress));
}

const statusOf = (answer: string): number => Number(answer.split(' ')[1]);

function headLines(target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${target} HTTP/1.1\r\n${lines.join('')}`;
}

const report = () => gzipSync(reportBytes(3));

async function publish(headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const body = report();
  const all = signed(body, { credentials: agent, headers: { ...REPORT_HEADERS, ...headers } });
  return (await knock(server.endpoint, { headers: all, body })).status;
}

describe('a sender with a key id and no secret', () => {
  test('that withholds nine bodies of 8 MiB does not stop a sender with the same key and address', async () => {
    const headers = signed(Buffer.alloc(0), {
      credentials: { ...agent, secretAccessKey: 'unknown' },
      headers: REPORT_HEADERS,
    });
    const head = `${headLines('/publish', headers)}content-length: ${8 * MIB}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head), Buffer.alloc(8 * MIB - 1)]);
    await Promise.all(Array.from({ length: 9 }, () => open(bytes)));
    for (let i = 0; i < 5; i += 1) expect(await publish({ 'x-round': String(i) })).toBe(200);
    const dropped = await metricsOf(server.endpoint, 'nfm_http_bodies_dropped_total');
    expect(dropped.get('reason="displaced"')).toBeGreaterThan(0);
  });
});

test('a sender whose head has the hash of the body is verified before its body is read', async () => {
  const body = report();
  const hash = createHash('sha256').update(body).digest('hex');
  const headers = { ...REPORT_HEADERS, 'x-amz-content-sha256': hash };
  const guessed = signed(body, {
    credentials: { ...agent, secretAccessKey: 'unknown' },
    headers,
  });
  const head = `${headLines('/publish', guessed)}content-length: ${body.length}\r\n\r\n`;
  const [answer] = await once(await open(head), 'data');
  expect(statusOf(String(answer))).toBe(403);
  expect(await publish({ 'x-amz-content-sha256': 'f'.repeat(64) })).toBe(403);
  const own = signed(body, { credentials: agent, headers });
  expect((await knock(server.endpoint, { headers: own, body })).status).toBe(200);
});

test('an unsigned sign-in is read to 4 KiB at most', async () => {
  const { host } = new URL(server.endpoint);
  const head = `POST /console/api/sign-in HTTP/1.1\r\nhost: ${host}\r\norigin: http://${host}\r\ncontent-length: ${MIB}\r\nconnection: close\r\n\r\n`;
  const answer = await exchange(Buffer.concat([Buffer.from(head), Buffer.alloc(MIB, 'x')]));
  expect(statusOf(answer)).toBe(413);
});

describe('a request target', () => {
  const host = () => new URL(server.endpoint).host;

  test.each([
    ['GET http://HOST/healthz HTTP/1.1\r\nhost: HOST', 200],
    ['GET http://HOST/ HTTP/1.1\r\nhost: HOST', 302],
    ['GET http://other.example/healthz HTTP/1.1\r\nhost: HOST', 400],
    ['OPTIONS * HTTP/1.1\r\nhost: HOST', 200],
    ['GET * HTTP/1.1\r\nhost: HOST', 400],
    ['POST / HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0', 403],
    ['GET //healthz HTTP/1.1\r\nhost: HOST', 403],
    // The health checks that haproxy sends by default.
    ['OPTIONS / HTTP/1.0', 200],
    ['OPTIONS /healthz HTTP/1.0', 200],
    ['HEAD /healthz HTTP/1.0', 200],
    ['GET / HTTP/1.0', 302],
  ])('%s is answered %i', async (head, status) => {
    const lines = head.replaceAll('HOST', host());
    expect(statusOf(await exchange(`${lines}\r\nconnection: close\r\n\r\n`))).toBe(status);
  });

  test('in absolute form, as clients send it to proxies, publishes', async () => {
    const body = report();
    const own = { ...REPORT_HEADERS, host: host(), 'x-form': 'absolute' };
    const headers = signed(body, { credentials: agent, headers: own });
    const head = `${headLines(`http://${host()}/publish`, headers)}content-length: ${body.length}\r\nconnection: close\r\n\r\n`;
    const answer = await exchange(Buffer.concat([Buffer.from(head), body]));
    expect(statusOf(answer), answer).toBe(200);
  });
});

test('an idle connection stays open for --idle-seconds', async () => {
  const { hostname } = new URL(server.endpoint);
  const socket = await open(`GET /healthz HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(String(answer).toLowerCase()).toContain('keep-alive: timeout=7\r\n');
});

describe('a content coding', () => {
  test.each(['x-gzip', 'GZIP', 'gzip, identity', 'X-GZip'])('%s is gzip', async (coding) => {
    expect(await publish({ 'content-encoding': coding })).toBe(200);
  });

  test.each(['gzip, gzip', 'br', 'deflate, gzip'])('%s is rejected', async (coding) => {
    expect(await publish({ 'content-encoding': coding })).toBe(415);
  });
});

test('a transfer coding besides chunked is rejected', async () => {
  const answer = async (coding: string) => {
    const headers = signed(Buffer.alloc(0), { credentials: agent, headers: REPORT_HEADERS });
    const all = { ...headers, 'transfer-encoding': coding, connection: 'close' };
    return statusOf(await exchange(`${headLines('/publish', all)}\r\n0\r\n\r\n`));
  };
  expect([await answer('chunked'), await answer('gzip, chunked')]).toEqual([400, 415]);
});

describe('/metrics', () => {
  const page = (headers: string, localAddress?: string) =>
    exchange(`GET /metrics HTTP/1.1\r\n${headers}\r\nconnection: close\r\n\r\n`, localAddress);

  test('is open for a program on this host', async () => {
    expect(statusOf(await page('host: localhost'))).toBe(200);
  });

  test.each([
    'host: localhost\r\nx-forwarded-for: 127.0.0.1',
    'host: localhost\r\nforwarded: for=127.0.0.1',
    'host: localhost\r\nvia: 1.1 proxy',
    'host: nfm.example.net',
  ])('needs a signature from a proxy on this host (%j)', async (headers) => {
    expect(statusOf(await page(headers))).toBe(403);
  });

  test('needs a signature from a client of a trusted proxy, whatever that claims', async () => {
    const headers = 'host: localhost\r\nx-forwarded-for: 127.0.0.1, 203.0.113.9';
    expect(statusOf(await page(headers, '127.0.0.2'))).toBe(403);
  });
});

test('the audit log has the address that a trusted proxy names, and no other', async () => {
  const admin = await server.credentials('default');
  const { hostname, port } = new URL(server.endpoint);
  const call = async (peer: string, client: string) => {
    const headers = signed(Buffer.alloc(0), {
      credentials: admin,
      method: 'GET',
      target: '/scopes',
      headers: { host: `${hostname}:${port}`, 'x-forwarded-for': client },
    });
    const head = headLines('/scopes', headers).replace('POST', 'GET');
    expect(statusOf(await exchange(`${head}connection: close\r\n\r\n`, peer))).toBe(200);
  };
  await call('127.0.0.2', '203.0.113.9');
  await call('127.0.0.3', '203.0.113.10');
  const target = '/api/v1/audit';
  const headers = signed(Buffer.alloc(0), { credentials: admin, method: 'GET', target });
  const { text: events } = await knock(server.endpoint, { method: 'GET', target, headers });
  expect(events).toContain('203.0.113.9"');
  expect(events).toContain('127.0.0.3"');
  expect(events).not.toContain('203.0.113.10');
});
