import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { sha256Hex } from '../wire/sigv4/sha256-hex.ts';
import { signRequest } from '../wire/sigv4/sign.ts';
import { accessKey, authenticatorOf, headOf, SERVICE } from './testing.ts';

/** Cross-checks: requests signed by the AWS SDK for JavaScript and by botocore must verify here. */

const keys = [accessKey(), accessKey(), accessKey()];

/** A request before it is signed; all texts are decoded. */
interface Plain {
  readonly key: number;
  readonly region: string;
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: readonly (readonly [string, readonly string[]])[];
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** RFC 3986 encoding, which the SDKs use for a target. */
const encode = (value: string) =>
  encodeURIComponent(value).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const word = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((text) => isWellFormed(text)),
  fc.constantFrom(
    'a b',
    'ü',
    '%',
    '%2F',
    '+',
    '=',
    '&',
    '?',
    '#',
    '*',
    '~',
    'arn:aws:x:y:1:scope/z',
    '𝄞',
  ),
);
const segment = fc.oneof(
  { weight: 3, arbitrary: word },
  fc.constantFrom('', '.', '..', '...', '%2e'),
);
const headerValue = fc
  .array(fc.constantFrom('a', 'B', '1', ' ', '  ', '\t', '"', ',', ';', '='), { maxLength: 12 })
  .map((parts) => parts.join(''));
const headerName = fc.constantFrom(
  'Content-Type',
  'X-Amz-Meta',
  'x-amz-meta-b',
  'Accept',
  'User-Agent',
  'Connection',
  'X-Custom',
  'x_odd',
  'Range',
);

const plain: fc.Arbitrary<Plain> = fc.record({
  key: fc.nat({ max: keys.length - 1 }),
  region: fc.constantFrom('us-east-1', 'eu-west-1', 'lab'),
  method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT'),
  segments: fc.array(segment, { maxLength: 5 }),
  query: fc.uniqueArray(
    fc.tuple(
      word.filter((name) => name !== '__proto__' && name.toLowerCase() !== 'x-amz-signature'),
      fc.array(fc.oneof(word, fc.constant('')), { minLength: 1, maxLength: 3 }),
    ),
    { maxLength: 4, selector: ([name]) => name },
  ),
  host: fc.constantFrom('127.0.0.1:8130', 'nfm.example.com', '[::1]:8130'),
  headers: fc.uniqueArray(fc.tuple(headerName, headerValue), {
    maxLength: 4,
    selector: ([name]) => name.toLowerCase(),
  }),
  body: fc.string({ maxLength: 30, unit: 'grapheme' }),
});

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

const pathOf = ({ segments }: Plain) => `/${segments.map(encode).join('/')}`;

function targetOf(request: Plain): string {
  const query = request.query.flatMap(([name, values]) =>
    values.map((value) => `${encode(name)}=${encode(value)}`),
  );
  return query.length === 0 ? pathOf(request) : `${pathOf(request)}?${query.join('&')}`;
}

/** SHA-256 in the interface of the SDK. */
class NodeSha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

describe('the AWS SDK for JavaScript', () => {
  const { authenticator, clock } = authenticatorOf(keys);

  async function smithySigned(request: Plain): Promise<Record<string, string>> {
    const signer = new SignatureV4({
      credentials: keys[request.key]!,
      region: request.region,
      service: SERVICE,
      sha256: NodeSha256,
      applyChecksum: request.body.length % 2 === 0,
    });
    const signed = await signer.sign(
      {
        method: request.method,
        protocol: 'http:',
        hostname: request.host,
        path: pathOf(request),
        query: Object.fromEntries(
          request.query.map(([name, [first = '', ...more]]) => [
            name,
            more.length === 0 ? first : [first, ...more],
          ]),
        ),
        headers: { host: request.host, ...Object.fromEntries(request.headers) },
        body: request.body,
      },
      { signingDate: new Date(clock.now()) },
    );
    return { ...signed.headers };
  }

  test('signs 2,500 generated requests that verify, and none verifies with another body', async () => {
    const check = fc.asyncProperty(plain, async (request) => {
      const head = headOf(request.method, targetOf(request), await smithySigned(request));
      const prepared = await authenticator.prepare(head);
      const hash = sha256Hex(Buffer.from(request.body));
      const { accessKeyId } = authenticator.verify(prepared, head, hash);
      expect(accessKeyId).toBe(keys[request.key]?.accessKeyId);
      const other = sha256Hex(Buffer.from(`${request.body}?`));
      expect(() => authenticator.verify(prepared, head, other)).toThrow();
    });
    await fc.assert(check, { numRuns: 2_500 });
  }, 60_000);

  test('gives 500 generated requests the same signatures as our signer', async () => {
    const check = fc.asyncProperty(plain, async (request) => {
      const theirs = await smithySigned(request);
      const ours = signRequest({
        method: request.method,
        target: targetOf(request),
        headers: {
          host: request.host,
          ...Object.fromEntries(request.headers),
          ...('x-amz-content-sha256' in theirs
            ? { 'x-amz-content-sha256': sha256Hex(Buffer.from(request.body)) }
            : {}),
        },
        body: Buffer.from(request.body),
        credentials: keys[request.key]!,
        region: request.region,
        service: SERVICE,
        now: new Date(clock.now()),
      });
      expect(ours.authorization).toBe(theirs.authorization);
    });
    await fc.assert(check, { numRuns: 500 });
  }, 60_000);
});

/** Signs each request of a JSON list on standard input; prints their headers as flat lists. */
const BOTOCORE_SIGNER = `
import json, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
answers = []
for one in json.load(sys.stdin):
    request = AWSRequest(method=one['method'], url='http://' + one['host'] + one['target'],
                         data=one['body'].encode())
    for name, value in one['headers']:
        request.headers.add_header(name, value)
    SigV4Auth(Credentials(one['id'], one['secret']), one['service'], one['region']).add_auth(request)
    answers.append([part for pair in request.headers.items() for part in pair])
json.dump(answers, sys.stdout)
`;

const hasBotocore = spawnSync('python3', ['-c', 'import botocore.auth']).status === 0;

describe('botocore', () => {
  test('signs 2,000 generated requests that verify', async (context) => {
    if (!hasBotocore) return context.skip('python3 has no botocore');
    const requests = fc.sample(plain, 2_000).map((request, i) => ({
      ...request,
      // Unlike the SDK above, botocore can send duplicate headers and Date headers.
      headers: [
        ...request.headers,
        ...(i % 3 === 0 ? [['x-twice', ' b  c '] as const, ['X-Twice', 'a'] as const] : []),
        ...(i % 5 === 0 ? [['Date', 'replaced'] as const] : []),
      ],
    }));
    const input = requests.map((request) => ({
      ...request,
      target: targetOf(request),
      id: keys[request.key]?.accessKeyId,
      secret: keys[request.key]?.secretAccessKey,
      service: SERVICE,
    }));
    const answer = execFileSync('python3', ['-c', BOTOCORE_SIGNER], {
      input: JSON.stringify(input),
      maxBuffer: 64 << 20,
    });
    const signed = JSON.parse(answer.toString()) as string[][];
    const { authenticator } = authenticatorOf(keys, new FakeClock(Date.now()));
    for (const [i, request] of requests.entries()) {
      const flat = [...(signed[i] ?? []), 'Host', request.host];
      const head = headOf(request.method, targetOf(request), flat);
      const prepared = await authenticator.prepare(head);
      authenticator.verify(prepared, head, sha256Hex(Buffer.from(request.body)));
    }
    expect(signed).toHaveLength(2_000);
  }, 120_000);
});
