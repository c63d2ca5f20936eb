import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import type { Credentials } from '../../src/wire/sigv4/sign.ts';
import {
  type DoorAnswer,
  type DoorRequest,
  knock,
  metricsOf,
  REPORT_HEADERS,
  reportBytes,
  signed,
} from './door.ts';

const MIB = 1024 * 1024;
const MAX_BODY = 8 * MIB;

let server: ServerProcess;
let agent: Credentials;
let admin: Credentials;

beforeAll(async () => {
  server = await ServerProcess.start();
  agent = await server.credentials('agent');
  admin = await server.credentials('default');
});
afterAll(() => server?.dispose());

const report = () => gzipSync(reportBytes(3));
const post = (body: Uint8Array, headers: Readonly<Record<string, string>> = {}): DoorRequest => ({
  headers: signed(body, { credentials: agent, headers: { ...REPORT_HEADERS, ...headers } }),
  body,
});
const minutesOff = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);

interface Counts {
  readonly accepted: number;
  readonly duplicates: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly rows: number;
}

async function counts(): Promise<Counts> {
  const { endpoint } = server;
  return {
    accepted: await server.metric('nfm_publish_accepted_total'),
    duplicates: await server.metric('nfm_publish_duplicates_total'),
    refused: await metricsOf(endpoint, 'nfm_publish_refused_total'),
    rows: await storedRows(),
  };
}

interface StoredFlow {
  readonly connectAttempts: number | string;
}

/** The number of rows of the last hour, from the API's sum of connect attempts: each row has one. */
async function storedRows(): Promise<number> {
  await server.waitUntilStored();
  const target = '/api/v1/flows?limit=1000';
  const headers = signed(Buffer.alloc(0), { credentials: admin, method: 'GET', target });
  const { status, text } = await knock(server.endpoint, { method: 'GET', target, headers });
  expect(status, text).toBe(200);
  const { flows } = JSON.parse(text) as { readonly flows: readonly StoredFlow[] };
  return flows.reduce((sum, flow) => sum + Number(flow.connectAttempts), 0);
}

function expectRefusal(answer: DoorAnswer, status: number, error: string): void {
  expect({ status: answer.status, error: answer.error }, answer.text).toEqual({ status, error });
  expect(answer.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.parse(answer.text)).toEqual({ message: expect.stringMatching(/\S/) });
}

const REFUSED: readonly {
  readonly name: string;
  readonly door: () => DoorRequest;
  readonly status: number;
  readonly error: string;
}[] = [
  {
    name: 'no signature',
    door: () => ({ headers: REPORT_HEADERS, body: report() }),
    status: 403,
    error: 'MissingAuthenticationTokenException',
  },
  {
    name: 'an Authorization header cut in the middle',
    door: () => {
      const door = post(report());
      const authorization = door.headers.authorization?.replace(/, Signature=.*/, '') ?? '';
      return { ...door, headers: { ...door.headers, authorization } };
    },
    status: 403,
    error: 'IncompleteSignatureException',
  },
  {
    name: 'a signature of another secret',
    door: () => {
      const credentials = { ...agent, secretAccessKey: 'somebody else' };
      const body = report();
      return { headers: signed(body, { credentials, headers: REPORT_HEADERS }), body };
    },
    status: 403,
    error: 'InvalidSignatureException',
  },
  {
    name: 'another body than the one signed',
    door: () => ({ ...post(report()), body: gzipSync(reportBytes(4)) }),
    status: 403,
    error: 'InvalidSignatureException',
  },
  ...[-16, 16].map((minutes) => ({
    name: `a clock ${minutes} minutes off`,
    door: () => {
      const body = report();
      const now = minutesOff(minutes);
      return { headers: signed(body, { credentials: agent, headers: REPORT_HEADERS, now }), body };
    },
    status: 403,
    error: 'InvalidSignatureException',
  })),
  {
    name: 'another service in the credential scope',
    door: () => {
      const body = report();
      const options = { credentials: agent, headers: REPORT_HEADERS, service: 'logs' };
      return { headers: signed(body, options), body };
    },
    status: 403,
    error: 'InvalidSignatureException',
  },
  {
    name: 'an unknown key',
    door: () => {
      const credentials = { accessKeyId: 'AKIAUNKNOWN000000000', secretAccessKey: 'x' };
      const body = report();
      return { headers: signed(body, { credentials, headers: REPORT_HEADERS }), body };
    },
    status: 403,
    error: 'UnrecognizedClientException',
  },
  {
    name: 'an unsigned payload',
    door: () => post(report(), { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }),
    status: 403,
    error: 'InvalidSignatureException',
  },
  {
    name: "an x-amz-content-sha256 that is not the body's",
    door: () => post(report(), { 'x-amz-content-sha256': '0'.repeat(64) }),
    status: 403,
    error: 'InvalidSignatureException',
  },
  {
    name: 'a gzip body cut in the middle',
    door: () => post(report().subarray(0, 100)),
    status: 400,
    error: 'SerializationException',
  },
  {
    name: 'a body that is no gzip',
    door: () => post(reportBytes(3)),
    status: 400,
    error: 'SerializationException',
  },
  {
    name: 'a gzip bomb',
    door: () => post(gzipSync(Buffer.alloc(64 * MIB + 1))),
    status: 413,
    error: 'RequestEntityTooLargeException',
  },
  {
    name: 'a content type of another kind',
    door: () => post(report(), { 'content-type': 'application/json' }),
    status: 415,
    error: 'UnsupportedMediaTypeException',
  },
  {
    name: 'a content encoding of another kind',
    door: () => post(report(), { 'content-encoding': 'br' }),
    status: 415,
    error: 'UnsupportedMediaTypeException',
  },
  {
    name: 'a body of 8 MiB and one byte, by its content-length',
    door: () => {
      const body = Buffer.alloc(MAX_BODY + 1);
      return post(body, { 'content-length': String(body.length) });
    },
    status: 413,
    error: 'RequestEntityTooLargeException',
  },
  {
    name: 'a body of 8 MiB and one byte, in chunks',
    door: () => post(Buffer.alloc(MAX_BODY + 1), { 'transfer-encoding': 'chunked' }),
    status: 413,
    error: 'RequestEntityTooLargeException',
  },
  {
    name: 'gzip of something else',
    door: () => post(gzipSync('{"resourceMetrics":[]}')),
    status: 400,
    error: 'SerializationException',
  },
  {
    name: 'a report whose frames reach beyond its end',
    door: () => post(gzipSync(reportBytes(3).subarray(0, -10))),
    status: 400,
    error: 'SerializationException',
  },
  {
    name: 'GET',
    door: () => ({ method: 'GET', headers: {} }),
    status: 404,
    error: 'UnknownOperationException',
  },
];

describe('a rejected request is answered as AWS does, counted, and not stored', () => {
  test.each(REFUSED)('$name: $status $error', async ({ door, status, error }) => {
    const before = await counts();
    expectRefusal(await knock(server.endpoint, door()), status, error);
    const label = `error="${error}"`;
    const refused = new Map(before.refused).set(label, (before.refused.get(label) ?? 0) + 1);
    expect(await counts()).toEqual({ ...before, refused });
  });
});

describe('an accepted report is stored once', () => {
  test.each([
    { name: 'gzip', body: () => gzipSync(reportBytes(3)), headers: {} },
    {
      name: 'not compressed',
      body: () => reportBytes(3),
      headers: { 'content-encoding': 'identity' },
    },
    {
      name: 'with a charset and other letters in its type',
      body: () => report(),
      headers: { 'content-type': 'Application/X-Protobuf; charset=utf-8' },
    },
  ])('a report $name', async ({ body, headers }) => {
    const before = await counts();
    expect(await knock(server.endpoint, post(body(), headers))).toMatchObject({ status: 200 });
    const { accepted, rows } = before;
    expect(await counts()).toEqual({ ...before, accepted: accepted + 1, rows: rows + 3 });
  });

  test('the same request again, five at once and one later, is answered 200 and stored once', async () => {
    const before = await counts();
    const door = post(report());
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => knock(server.endpoint, door)),
    );
    answers.push(await knock(server.endpoint, door));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await counts()).toEqual({
      ...before,
      accepted: before.accepted + 1,
      duplicates: before.duplicates + 5,
      rows: before.rows + 3,
    });
  });

  test('the same number of an agent run under a new signature is answered 200 and stored once', async () => {
    const before = await counts();
    const body = gzipSync(reportBytes(3, { runId: randomUUID(), sequence: 7 }));
    for (const attempt of ['1', '2']) {
      const answer = await knock(server.endpoint, post(body, { 'x-nfm-attempt': attempt }));
      expect(answer.status).toBe(200);
    }
    expect(await counts()).toEqual({
      ...before,
      accepted: before.accepted + 1,
      duplicates: before.duplicates + 1,
      rows: before.rows + 3,
    });
  });

  test('equal bodies in differently signed requests are different reports', async () => {
    const before = await counts();
    const body = report();
    for (const attempt of ['1', '2']) {
      await knock(server.endpoint, post(body, { 'x-nfm-attempt': attempt }));
    }
    const { accepted, rows } = before;
    expect(await counts()).toEqual({ ...before, accepted: accepted + 2, rows: rows + 6 });
  });

  test('a replay is known after a restart', async () => {
    const door = post(report());
    await knock(server.endpoint, door);
    const { rows } = await counts();
    await server.stop();
    await server.restart();
    expect(await knock(server.endpoint, door)).toMatchObject({ status: 200 });
    expect(await counts()).toMatchObject({ accepted: 0, duplicates: 1, rows });
  });
});

test('an agent key may only publish', async () => {
  const target = '/api/v1/flows';
  for (const path of [target, '/scopes']) {
    const options = { credentials: agent, method: 'GET', target: path };
    const headers = signed(Buffer.alloc(0), options);
    const answer = await knock(server.endpoint, { method: 'GET', target: path, headers });
    expectRefusal(answer, 403, 'AccessDeniedException');
  }
});

describe('bodies of unverified senders', () => {
  /** Sends all but the last bytes of an 8 MiB body with a wrong signature. */
  function startBody(): ClientRequest {
    const body = Buffer.alloc(MAX_BODY);
    const { port } = new URL(server.endpoint);
    const credentials = { ...agent, secretAccessKey: 'a guess' };
    const length = { 'content-length': String(MAX_BODY) };
    const headers = signed(body, { credentials, headers: { ...REPORT_HEADERS, ...length } });
    const started = request({ host: '127.0.0.1', port, method: 'POST', path: '/publish', headers });
    // A sender that is rejected early gets an error because it still writes to a closed connection.
    started.on('error', () => {});
    started.write(body.subarray(2));
    return started;
  }

  const answerOf = async (sent: ClientRequest): Promise<number> => {
    const [{ statusCode }] = (await once(sent, 'response')) as [{ statusCode: number }];
    return statusCode;
  };

  test('have a common limit: beyond it 503, and the next body is accepted when they have gone', async () => {
    const started = Array.from({ length: 9 }, startBody);
    const answers = started.map((sent) => answerOf(sent));
    const first = await Promise.race(answers);
    expect(first).toBe(503);
    const refused = await metricsOf(server.endpoint, 'nfm_publish_refused_total');
    expect(refused.get('error="ServiceUnavailableException"')).toBeGreaterThan(0);
    for (const sent of started) if (!sent.writableEnded) sent.end(Buffer.alloc(2));
    const statuses = await Promise.all(answers.map((answer) => answer.catch(() => 'closed')));
    expect(statuses.filter((status) => status === 403).length).toBeGreaterThanOrEqual(7);
    expect(statuses).not.toContain(200);
    for (const sent of started) sent.destroy();
    await expect.poll(async () => (await knock(server.endpoint, post(report()))).status).toBe(200);
  });

  test('that never arrive are given up, and do not keep others out', async () => {
    const started = startBody();
    await new Promise((written) => started.write(Buffer.alloc(1), written));
    started.destroy();
    expect((await knock(server.endpoint, post(report()))).status).toBe(200);
  });
});
