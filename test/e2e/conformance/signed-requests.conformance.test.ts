import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServerProcess } from '../../../src/lab/server-process.ts';
import type { Credentials } from '../../../src/wire/sigv4/sign.ts';
import { type RawSignedRequest, sendRaw } from './raw-signed-request.ts';

let server: ServerProcess;
let credentials: Credentials;
beforeAll(async () => {
  server = await ServerProcess.start();
  credentials = await server.credentials('default');
});
afterAll(() => server?.dispose());

type Case = RawSignedRequest & {
  readonly name: string;
  readonly status: number;
  readonly error: string;
};

const SUCCESS = { status: 200, error: '' } as const;
/** The answer to a correctly signed request for a resource that does not exist. */
const NOT_FOUND = { status: 404, error: 'ResourceNotFoundException' } as const;
const UNKNOWN = { status: 404, error: 'UnknownOperationException' } as const;
const WRONG = { status: 403, error: 'InvalidSignatureException' } as const;
const INCOMPLETE = { status: 403, error: 'IncompleteSignatureException' } as const;

const MINUTE = 60_000;
const arn = 'arn:aws:networkflowmonitor:us-east-1:000000000000:monitor/none';
const encoded = encodeURIComponent(arn);
const twice = encodeURIComponent(encoded);

describe('a request that AWS would accept is accepted', () => {
  const cases: readonly Case[] = [
    { name: 'the simplest request', target: '/scopes', ...SUCCESS },
    { name: 'Host without its port', target: '/scopes', host: '127.0.0.1', ...SUCCESS },
    { name: 'Host of a load balancer', target: '/scopes', host: 'nfm.example.com', ...SUCCESS },
    {
      name: 'dot segments, resolved for the signature only',
      target: '/monitors/../scopes',
      canonicalPath: '/scopes',
      ...UNKNOWN,
    },
    {
      name: 'empty and dot segments',
      target: '/.//scopes/./',
      canonicalPath: '/scopes/',
      ...UNKNOWN,
    },
    { name: 'a name of two dots', target: '/monitors/..', canonicalPath: '/', ...NOT_FOUND },
    {
      name: 'encoded dots, which are not a dot segment',
      target: '/monitors/%2e%2E',
      canonicalPath: '/monitors/%252e%252E',
      ...NOT_FOUND,
    },
    {
      name: 'a name that is encoded twice, and decoded once',
      target: '/monitors/a%252Fb',
      canonicalPath: '/monitors/a%25252Fb',
      status: 400,
      error: 'ValidationException',
    },
    {
      name: 'an ARN as SDKs write it',
      target: `/tags/${encoded}`,
      canonicalPath: `/tags/${twice}`,
      ...NOT_FOUND,
    },
    {
      name: 'an ARN with escapes in lower case',
      target: `/tags/${encoded.replaceAll('%3A', '%3a')}`,
      canonicalPath: `/tags/${twice.replaceAll('%253A', '%253a')}`,
      ...NOT_FOUND,
    },
    {
      name: 'an ARN whose colons are not encoded',
      target: `/tags/${arn.replace('/', '%2F')}`,
      canonicalPath: `/tags/${encoded.replace('%2F', '%252F')}`,
      ...NOT_FOUND,
    },
    { name: 'a question mark without a query', target: '/scopes?', ...SUCCESS },
    { name: 'empty values', target: '/scopes?b&a=', canonicalQuery: 'a=&b=', ...SUCCESS },
    {
      name: 'a value in another encoding',
      target: '/scopes?x=%c3%bc+%7e',
      canonicalQuery: 'x=%C3%BC%2B~',
      ...SUCCESS,
    },
    {
      name: 'a name twice, its values sorted for the signature only',
      method: 'DELETE',
      target: `/tags/${encoded}?tagKeys=b&tagKeys=a`,
      canonicalPath: `/tags/${twice}`,
      canonicalQuery: 'tagKeys=a&tagKeys=b',
      ...NOT_FOUND,
    },
    {
      name: 'a header twice, its values in the order sent',
      target: '/scopes',
      headers: [
        ['X-Twice', 'b'],
        ['x-other', '1'],
        ['x-twice', 'a'],
      ],
      canonicalHeaders: [['x-twice', 'b,a']],
      ...SUCCESS,
    },
    {
      name: 'white space around and within a value',
      target: '/scopes',
      headers: [['X-Words', ' \t two   words  ']],
      canonicalHeaders: [['x-words', 'two words']],
      ...SUCCESS,
    },
    {
      name: 'an empty signed header',
      target: '/scopes',
      headers: [['X-Empty', '']],
      canonicalHeaders: [['x-empty', '']],
      ...SUCCESS,
    },
    {
      name: 'headers in another order, in capitals',
      target: '/scopes',
      isReversed: true,
      ...SUCCESS,
    },
    {
      name: 'a header that a proxy added',
      target: '/scopes',
      headers: [['X-Forwarded-For', '192.0.2.1']],
      ...SUCCESS,
    },
    { name: 'a clock 14 minutes behind', target: '/scopes', skewMillis: -14 * MINUTE, ...SUCCESS },
    { name: 'a clock 14 minutes ahead', target: '/scopes', skewMillis: 14 * MINUTE, ...SUCCESS },
    { name: 'any Region', target: '/scopes', scope: { region: 'berlin-1' }, ...SUCCESS },
    {
      name: 'a body with its hash in a header',
      method: 'POST',
      target: '/scopes',
      body: '{}',
      headers: [['X-Amz-Content-Sha256', sha256('{}')]],
      canonicalHeaders: [['x-amz-content-sha256', sha256('{}')]],
      status: 400,
      error: 'ValidationException',
    },
  ];
  test.each(cases)('$name', async ({ name: _, status, error, ...request }) => {
    expect(await sendRaw(server.endpoint, credentials, request)).toEqual({ status, error });
  });
});

describe('a request that AWS would reject is rejected', () => {
  const yesterday = new Date(Date.now() - 24 * 60 * MINUTE).toISOString().slice(0, 10);
  const scopes = { target: '/scopes' } as const;
  const cases: readonly Case[] = [
    {
      ...scopes,
      name: 'a path signed as sent, with its dot segments',
      target: '/monitors/../scopes',
      ...WRONG,
    },
    { ...scopes, name: 'a path encoded once only', target: `/tags/${encoded}`, ...WRONG },
    { ...scopes, name: 'a query that was not signed', target: '/scopes?maxResults=1', ...WRONG },
    {
      ...scopes,
      name: 'a query not sorted',
      target: '/scopes?b=&a=',
      canonicalQuery: 'b=&a=',
      ...WRONG,
    },
    {
      ...scopes,
      name: 'an empty value without its equals sign',
      target: '/scopes?a',
      canonicalQuery: 'a',
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a header twice, its values sorted',
      headers: [
        ['x-twice', 'b'],
        ['x-twice', 'a'],
      ],
      canonicalHeaders: [['x-twice', 'a,b']],
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a header sent once more than it was signed',
      headers: [
        ['x-twice', 'a'],
        ['x-twice', 'a'],
      ],
      canonicalHeaders: [['x-twice', 'a']],
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a signed header that was not sent',
      canonicalHeaders: [['x-gone', '']],
      ...WRONG,
    },
    { ...scopes, name: 'Host signed with another port', signedHost: '127.0.0.1:1', ...WRONG },
    {
      ...scopes,
      name: 'Host signed without its port, sent with it',
      signedHost: '127.0.0.1',
      ...WRONG,
    },
    {
      ...scopes,
      name: 'X-Amz-Date twice',
      headers: [['X-Amz-Date', '20260101T000000Z']],
      ...INCOMPLETE,
    },
    { ...scopes, name: 'another service', scope: { service: 'monitoring' }, ...WRONG },
    {
      ...scopes,
      name: 'a scope of yesterday',
      scope: { date: yesterday.replaceAll('-', '') },
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a key derived for yesterday',
      keyScope: { date: yesterday.replaceAll('-', '') },
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a key derived for another Region',
      keyScope: { region: 'eu-west-1' },
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a key derived for another service',
      keyScope: { service: 'monitoring' },
      ...WRONG,
    },
    { ...scopes, name: 'another terminator', scope: { terminator: 'aws5_request' }, ...WRONG },
    { ...scopes, name: 'a clock 16 minutes behind', skewMillis: -16 * MINUTE, ...WRONG },
    { ...scopes, name: 'a clock 16 minutes ahead', skewMillis: 16 * MINUTE, ...WRONG },
    {
      ...scopes,
      name: 'an unsigned payload',
      method: 'POST',
      body: '{}',
      payloadHash: 'UNSIGNED-PAYLOAD',
      headers: [['X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD']],
      canonicalHeaders: [['x-amz-content-sha256', 'UNSIGNED-PAYLOAD']],
      ...WRONG,
    },
    {
      ...scopes,
      name: 'a body that was not signed',
      method: 'POST',
      body: '{}',
      payloadHash: sha256(''),
      ...WRONG,
    },
    {
      ...scopes,
      name: 'SigV4A',
      authorization: (right) => right.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'),
      ...INCOMPLETE,
    },
    {
      ...scopes,
      name: 'a signature in the query',
      target: '/scopes?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0',
      authorization: () => '',
      status: 403,
      error: 'MissingAuthenticationTokenException',
    },
  ];
  test.each(cases)('$name', async ({ name: _, status, error, ...request }) => {
    expect(await sendRaw(server.endpoint, credentials, request)).toEqual({ status, error });
  });
});

function sha256(data: string): string {
  return createHash('sha256').update(data).digest('hex');
}
