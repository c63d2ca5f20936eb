import { expect, test } from 'vitest';
import { signRequest } from './sign.ts';

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const vanilla = {
  method: 'GET',
  target: '/',
  headers: { Host: 'example.amazonaws.com' },
  body: new Uint8Array(0),
  credentials,
  region: 'us-east-1',
  service: 'service',
  now: new Date('2015-08-30T12:36:00.000Z'),
};

test('the signature of the public example get-vanilla is the published one', () => {
  expect(signRequest(vanilla)).toEqual({
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  });
});

test('a session token is sent and signed', () => {
  const signed = signRequest({
    ...vanilla,
    credentials: { ...credentials, sessionToken: 'TOKEN' },
  });
  expect(signed['x-amz-security-token']).toBe('TOKEN');
  expect(signed.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,');
});

test('headers that proxies change are sent but not signed', () => {
  const signed = signRequest({
    ...vanilla,
    headers: { host: 'h', 'User-Agent': 'nfm', 'proxy-connection': 'close' },
  });
  expect(signed['user-agent']).toBe('nfm');
  expect(signed.authorization).toContain('SignedHeaders=host;x-amz-date,');
});

test('a request without host or with a target that is not encoded is not signed', () => {
  expect(() => signRequest({ ...vanilla, headers: {} })).toThrow('without a host');
  expect(() => signRequest({ ...vanilla, target: '/a b' })).toThrow('not percent-encoded');
});
