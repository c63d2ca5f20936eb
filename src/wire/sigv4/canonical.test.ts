import { describe, expect, test } from 'vitest';
import {
  canonicalHeader,
  canonicalPath,
  canonicalQuery,
  canonicalRequest,
  deriveSigningKey,
  signature,
} from './canonical.ts';
import { sha256Hex } from './sha256-hex.ts';

/** A UTF-8 target as node:http gives it: one character for each byte. */
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

interface Example {
  readonly name: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly body?: string;
  readonly signature: string;
}

/** From the public AWS SigV4 test suite; date, Region, service and key are always the same. */
const examples: Example[] = [
  {
    name: 'get-vanilla',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-relative',
    target: '/example/..',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-slashes and dots',
    target: '//./example1/.././',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-unreserved',
    target: '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  {
    name: 'get-utf8',
    target: utf8('/ሴ'),
    signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
  },
  {
    name: 'get-vanilla-empty-query-key',
    target: '/?Param1=value1',
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    target: '/?Param2=value2&Param1=value1',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-header-key-duplicate',
    headers: { 'my-header1': ['value2', 'value2', 'value1'] },
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    name: 'get-header-value-trim',
    headers: { 'my-header1': [' value1'], 'my-header2': [' "a   b   c"'] },
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-header-key-sort',
    method: 'POST',
    headers: { 'my-header1': ['value1'] },
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    headers: { 'content-type': ['application/x-www-form-urlencoded'] },
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
];

test.each(examples)('public example $name', (example) => {
  const headers = new Map<string, readonly string[]>(
    Object.entries({
      host: ['example.amazonaws.com'],
      'x-amz-date': ['20150830T123600Z'],
      ...example.headers,
    }),
  );
  const scope = { date: '20150830', region: 'us-east-1', service: 'service' };
  const canonical = canonicalRequest({
    method: example.method ?? 'GET',
    target: example.target ?? '/',
    headers,
    signedHeaders: [...headers.keys()].sort(),
    bodySha256Hex: sha256Hex(Buffer.from(example.body ?? '')),
  });
  const signingKey = deriveSigningKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', scope);
  expect(signature({ canonical, amzDate: '20150830T123600Z', scope, signingKey })).toBe(
    example.signature,
  );
});

describe('path', () => {
  test.each([
    { name: 'an empty path', path: '', canonical: '/' },
    { name: 'a slash at the end stays', path: '/a/', canonical: '/a/' },
    { name: 'a dot at the end leaves none', path: '/a/.', canonical: '/a' },
    { name: 'dot segments beyond the root', path: '/../../a', canonical: '/a' },
    { name: 'empty segments', path: '//a///b', canonical: '/a/b' },
    { name: 'what is encoded is encoded again', path: '/a%20b', canonical: '/a%2520b' },
    { name: 'an encoded slash', path: '/a%2Fb', canonical: '/a%252Fb' },
    { name: 'encoded dots are no dot segment', path: '/a/%2e%2E', canonical: '/a/%252e%252E' },
    {
      name: 'an ARN as the SDKs write it',
      path: '/tags/arn%3Aaws%3Anfm',
      canonical: '/tags/arn%253Aaws%253Anfm',
    },
    {
      name: 'reserved characters',
      path: "/!*'():;@=+$,",
      canonical: '/%21%2A%27%28%29%3A%3B%40%3D%2B%24%2C',
    },
  ])('$name', ({ path, canonical }) => {
    expect(canonicalPath(path)).toBe(canonical);
  });
});

describe('query', () => {
  test.each([
    { name: 'none', query: '', canonical: '' },
    { name: 'a name without value', query: 'a', canonical: 'a=' },
    { name: 'an empty value', query: 'b=&a=', canonical: 'a=&b=' },
    { name: 'sorted by name, then value', query: 'b=1&a=2&a=1', canonical: 'a=1&a=2&b=1' },
    { name: 'upper case before lower', query: 'a=1&B=1', canonical: 'B=1&a=1' },
    { name: 'sorted as encoded', query: '%C3%BC=1&z=1', canonical: '%C3%BC=1&z=1' },
    { name: 'a shorter name first', query: 'a-b=1&a=2', canonical: 'a=2&a-b=1' },
    { name: 'lower-case escapes', query: 'a=%c3%bc', canonical: 'a=%C3%BC' },
    { name: 'escapes that were not needed', query: '%61=%7E', canonical: 'a=~' },
    { name: 'an equals sign in a value', query: 'a=b=c', canonical: 'a=b%3Dc' },
    { name: 'a plus sign', query: 'a=b+c', canonical: 'a=b%2Bc' },
    { name: 'a per cent sign that escapes nothing', query: 'a=100%', canonical: 'a=100%25' },
    { name: 'a question mark and a slash', query: 'a=?/', canonical: 'a=%3F%2F' },
    { name: 'a repeated ampersand', query: 'a=1&&b=2', canonical: 'a=1&b=2' },
  ])('$name', ({ query, canonical }) => {
    expect(canonicalQuery(query)).toBe(canonical);
  });
});

test.each([
  { name: 'trimmed and folded', values: [' a   b\t c '], canonical: 'a b c' },
  { name: 'several in order', values: ['b ', ' a'], canonical: 'b,a' },
  { name: 'empty', values: [''], canonical: '' },
  { name: 'a list in one', values: ['a, b'], canonical: 'a, b' },
])('header values: $name', ({ values, canonical }) => {
  expect(canonicalHeader(values)).toBe(canonical);
});
