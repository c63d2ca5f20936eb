import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { silentLog } from '../../lib/log.ts';
import type { Report } from '../../model/report.ts';
import { decodeReport } from '../../wire/otlp/decode-report.ts';
import { Endpoint } from './endpoint.ts';
import { ReportPublisher } from './report-publisher.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly target: string | undefined;
  readonly body: Buffer;
}

let server: Server;
let endpoint: Endpoint;
let received: Received[];
/** Statuses of the answers to come; then 200. */
let answers: number[];
/** Why senders gave up. */
let forbidden: string[];

beforeEach(async () => {
  received = [];
  forbidden = [];
  answers = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, target: request.url, body: Buffer.concat(chunks) });
      response.statusCode = answers.shift() ?? 200;
      response.end('{"message":"no"}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  endpoint = new Endpoint({
    url: new URL(`http://127.0.0.1:${port}/publish`),
    region: 'us-east-1',
    credentials: async () => ({ accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'T' }),
    clock: systemClock,
  });
});
afterEach(async () => {
  endpoint.close();
  await new Promise((resolve) => server.close(resolve));
});

function report(sequence: number): Report {
  return {
    host: { instanceId: 'i-1', instanceType: '', machineId: 'm', interfaces: [] },
    agent: { serviceName: 's', serviceVersion: '1', buildTimestamp: '', reportVersion: '1.1' },
    identity: { runId: 'run', sequence },
    timeUnixNano: 1n,
    flows: [],
    processStats: {},
    counters: {},
  };
}

function sequences(): (bigint | undefined)[] {
  return received.map(({ headers, body }) => {
    const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    return decodeReport(bytes).resource.get('report.sequence') as bigint | undefined;
  });
}

const deps = {
  compression: 'none',
  onForbidden: (reason: string) => forbidden.push(reason),
  log: silentLog,
  random: () => 0,
} as const;

function publisher(compression: 'gzip' | 'none' = 'gzip'): ReportPublisher {
  return new ReportPublisher({ ...deps, endpoint, compression });
}

test('a report arrives signed and compressed', async () => {
  const sender = publisher();
  await sender.publish(report(1));
  await sender.drain(5_000);
  const { headers, target } = received[0]!;
  expect(target).toBe('/publish');
  expect(headers['content-type']).toBe('application/x-protobuf');
  expect(headers['content-encoding']).toBe('gzip');
  expect(headers['x-amz-security-token']).toBe('T');
  expect(headers.authorization).toMatch(/Credential=AK\/\d{8}\/us-east-1\/networkflowmonitor\//);
  expect(headers.authorization).toContain('content-encoding;');
  expect(sequences()).toEqual([1n]);
  expect(sender.takeFailed()).toBe(0);
});

test('without compression the header is absent', async () => {
  const sender = publisher('none');
  await sender.publish(report(1));
  await sender.drain(5_000);
  expect(received[0]?.headers['content-encoding']).toBe(undefined);
  expect(sequences()).toEqual([1n]);
});

test('a report that was not taken is sent again, the same one, before the next', async () => {
  answers = [503, 500, 204];
  const sender = publisher();
  await sender.publish(report(1));
  await sender.publish(report(2));
  await sender.drain(5_000);
  expect(sequences()).toEqual([1n, 1n, 1n, 1n, 2n]);
  expect(sender.takeFailed()).toBe(3);
  expect(sender.takeFailed()).toBe(0);
});

test('keys that are refused from the first end the sending', async () => {
  answers = [403];
  const sender = publisher();
  await sender.publish(report(1));
  await sender.publish(report(2));
  await sender.drain(5_000);
  expect(received).toHaveLength(1);
  expect(forbidden).toEqual(['403 {"message":"no"}']);
  expect(sender.takeFailed()).toBe(1);
});

test('keys that worked before are tried again', async () => {
  answers = [200, 403];
  const sender = publisher();
  await sender.publish(report(1));
  await sender.publish(report(2));
  await sender.drain(5_000);
  expect(sequences()).toEqual([1n, 2n, 2n]);
  expect(forbidden).toEqual([]);
});

test('without credentials nothing is sent', async () => {
  const without = new Endpoint({
    url: new URL('http://127.0.0.1:9/publish'),
    region: 'us-east-1',
    credentials: () => Promise.reject(new Error('found nowhere')),
    clock: systemClock,
  });
  const sender = new ReportPublisher({ ...deps, endpoint: without });
  await sender.publish(report(1));
  await sender.drain(5_000);
  without.close();
  expect(forbidden).toEqual(['no AWS credentials: found nowhere']);
});

test.each([400, 413, 415])('a report refused with %d is not sent again', async (status) => {
  answers = [status];
  const sender = publisher();
  await sender.publish(report(1));
  await sender.publish(report(2));
  await sender.drain(5_000);
  expect(sequences()).toEqual([1n, 2n]);
  expect(sender.takeFailed()).toBe(1);
});

test('an unreachable server is an answer like others', async () => {
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const result = await endpoint.post(
    { bytes: new Uint8Array(1), isGzip: false },
    AbortSignal.any([]),
  );
  expect(result).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
});

test('while the server is away the newest 20 reports are kept, the rest counted', async () => {
  let refuse: (() => void) | undefined;
  const away = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const tried: Uint8Array[] = [];
  const sender = new ReportPublisher({
    endpoint: {
      post: async (each) => {
        await away;
        tried.push(each.bytes);
        return { status: 'accepted' };
      },
    },
    ...deps,
  });
  for (let i = 1; i <= 25; i += 1) await sender.publish(report(i));
  refuse?.();
  await sender.drain(5_000);
  const sent = tried.map((bytes) =>
    decodeReport(Buffer.from(bytes)).resource.get('report.sequence'),
  );
  expect(sent.slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => BigInt(i + 6)));
  expect(sender.takeFailed()).toBe(5);
});

test('drain gives up at its limit', async () => {
  const sender = new ReportPublisher({
    endpoint: { post: async () => ({ status: 'failed', reason: 'away' }) },
    ...deps,
    random: () => 0.99,
  });
  await sender.publish(report(1));
  await sender.drain(20);
  expect(sender.takeFailed()).toBeGreaterThan(0);
});
