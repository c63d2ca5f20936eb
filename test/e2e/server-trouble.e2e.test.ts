import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';
import { Poster } from '../load/poster.ts';
import { countRows } from './count-rows.ts';
import { knock, REPORT_HEADERS, reportBytes, signed } from './door.ts';
import { InsistentSender, sumOf } from './insistent-sender.ts';

const NFM = join(checkoutRoot(), 'bin/nfm');

let folder: string;
let server: ServerProcess | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-trouble-'));
});
afterEach(async () => {
  await server?.dispose();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  /** Lines of output that are not JSON, so not of the log. */
  readonly lines: readonly string[];
}

/** Runs a server that is expected to exit by itself. */
function runToEnd(...argv: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [NFM, 'server', ...argv], { timeout: 60_000 }, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') return reject(error);
      const lines = `${out}${err}`.split('\n').filter((line) => line !== '' && line[0] !== '{');
      resolve({ code: Number(error?.code ?? 0), lines });
    });
  });
}

describe('a server that cannot start prints the reason in one line and fails', () => {
  const data = () => join(folder, 'data');
  test.each([
    { name: 'no data folder', argv: () => [], message: /^nfm server: data: name the data folder/ },
    {
      name: 'a data folder that cannot be created',
      argv: () => {
        writeFileSync(join(folder, 'file'), '');
        return ['--data', join(folder, 'file', 'data')];
      },
      message:
        /^nfm server: data: cannot write the folder .*\(ENOTDIR\); choose one that this user may write$/,
    },
    {
      name: 'an unknown flag',
      argv: () => ['--data', data(), '--colour', 'blue'],
      message: /^nfm server: .*--colour.*nfm server --help lists the settings$/,
    },
    {
      name: 'a number out of its range',
      argv: () => ['--data', data(), '--retention-days', '0'],
      message: /^nfm server: retentionDays: must be an integer from 1 to 3650, not "0"$/,
    },
    {
      name: 'an account of too few digits',
      argv: () => ['--data', data(), '--account', '12'],
      message: /^nfm server: account: must be 12 digits$/,
    },
    {
      name: 'an invalid address',
      argv: () => ['--data', data(), '--listen', 'everywhere'],
      message: /^nfm server: listen: must be HOST:PORT/,
    },
    {
      name: 'beyond loopback without TLS',
      argv: () => ['--data', data(), '--listen', '0.0.0.0:0'],
      message:
        /^nfm server: listen: 0\.0\.0\.0 is not loopback; set --tls-cert and --tls-key, or --insecure-plain-http$/,
    },
    {
      name: 'a certificate without its key',
      argv: () => ['--data', data(), '--tls-cert', 'cert.pem'],
      message: /^nfm server: tlsCert, tlsKey: set both or neither$/,
    },
    {
      name: 'a missing certificate file',
      argv: () => [
        '--data',
        data(),
        '--tls-cert',
        '/nowhere/cert.pem',
        '--tls-key',
        '/nowhere/key.pem',
      ],
      message: /^nfm server: tlsCert: ENOENT.*\/nowhere\/cert\.pem/,
    },
    {
      name: 'an invalid certificate',
      argv: () => {
        writeFileSync(join(folder, 'text'), 'no certificate');
        const path = join(folder, 'text');
        return ['--data', data(), '--tls-cert', path, '--tls-key', path];
      },
      message: /^nfm server: tlsCert, tlsKey: /,
    },
  ])('$name', async ({ argv, message }) => {
    const { code, lines } = await runToEnd(...argv());
    expect(lines).toEqual([expect.stringMatching(message)]);
    expect(code).toBe(2);
  });

  test('a port in use', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as { port: number };
    const listen = `127.0.0.1:${port}`;
    const { code, lines } = await runToEnd('--data', data(), '--listen', listen);
    other.close();
    const message = `nfm server: listen: ${listen} is in use by another program; stop it or choose another --listen`;
    expect(lines).toEqual([message]);
    expect(code).toBe(2);
  });

  test('a data folder in use by another server, which continues unharmed', async () => {
    server = await ServerProcess.start();
    const { endpoint } = server;
    const credentials = await server.credentials('agent');
    const body = gzipSync(reportBytes(3));
    const post = (attempt: string) => {
      const headers = { ...REPORT_HEADERS, 'x-nfm-attempt': attempt };
      return knock(endpoint, { headers: signed(body, { credentials, headers }), body });
    };
    expect((await post('1')).status).toBe(200);
    const { code, lines } = await runToEnd('--data', server.data, '--listen', '127.0.0.1:0');
    const message = `nfm server: data: another nfm server uses ${server.data}; stop it or choose another folder`;
    expect(lines).toEqual([message]);
    expect(code).toBe(2);
    expect((await post('2')).status).toBe(200);
    await server.waitUntilStored();
    await server.stop();
    expect((await countRows(server.data)).rows).toBe(6);
  });
});

test('reports are accepted over TLS, and not in plain text on the same port', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1'];
  execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' });
  // Listening beyond loopback requires TLS.
  const flags = ['--tls-cert', cert, '--tls-key', key];
  server = await ServerProcess.start({ listen: '0.0.0.0:0', flags });
  const endpoint = server.endpoint.replace('0.0.0.0', '127.0.0.1');
  expect(endpoint).toMatch(/^https:/);
  const credentials = await server.credentials('agent');
  const body = gzipSync(reportBytes(3));
  const headers = signed(body, { credentials, headers: REPORT_HEADERS });
  const ca = readFileSync(cert, 'utf8');
  expect((await knock(endpoint, { headers, body, ca })).status).toBe(200);
  await expect(knock(endpoint, { headers, body })).rejects.toThrow('self-signed certificate');
  const plain = endpoint.replace('https:', 'http:');
  await expect(knock(plain, { headers, body })).rejects.toThrow();
});

test('a server whose terminal closes answers on, and stops in order at SIGHUP', async () => {
  const flags = ['--data', join(folder, 'terminal'), '--listen', '127.0.0.1:18142'];
  const child = spawn(process.execPath, [NFM, 'server', ...flags], { stdio: 'pipe' });
  const exited = once(child, 'exit');
  try {
    for (const output of [child.stdin, child.stdout, child.stderr]) output.destroy();
    const isReady = async () => (await fetch('http://127.0.0.1:18142/healthz')).status;
    await expect.poll(() => isReady().catch(() => 0), { timeout: 60_000 }).toBe(200);
    child.kill('SIGHUP');
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
});

test('a server that is stopped under load finishes its work and loses no acknowledged report', async () => {
  const flows = 100;
  const connections = 6;
  const listen = '127.0.0.1:18141';
  server = await ServerProcess.start({ listen });
  const credentials = await server.credentials('agent');
  const poster = new Poster({
    endpoint: server.endpoint,
    credentials,
    region: 'us-east-1',
    connections,
  });
  const senders = Array.from(
    { length: connections },
    (_, run) => new InsistentSender({ run, flows, seed: 1 }),
  );
  const sending = Promise.all(senders.map((sender) => sender.send(() => poster)));
  for (let stop = 1; stop <= 3; stop += 1) {
    const before = sumOf(senders, 200);
    while (sumOf(senders, 200) < before + 60) await delay(5);
    expect(await server.stop()).toBe(0);
    await server.restart();
  }
  for (const sender of senders) sender.isDone = true;
  await sending;
  poster.close();
  expect([...new Set(senders.flatMap(({ answers }) => [...answers.keys()]))].sort()).toEqual([
    0, 200,
  ]);
  await server.waitUntilStored();
  expect(await server.stop()).toBe(0);
  const rows = sumOf(senders, 200) * flows;
  expect(await countRows(server.data)).toEqual({ rows, distinct: rows });
});
