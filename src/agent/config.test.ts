import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectionOptions } from './config.ts';

const NONE = { proxy: undefined, caFile: undefined };

beforeEach(() => {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY']) {
    vi.stubEnv(name, '');
    vi.stubEnv(name.toLowerCase(), '');
  }
  for (const name of ['AWS_CA_BUNDLE', 'SSL_CERT_FILE']) vi.stubEnv(name, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  { name: 'a host elsewhere', url: 'https://example.org/publish', proxy: 'http://proxy:3128/' },
  { name: 'a host of NO_PROXY', url: 'https://in.example.net/publish', proxy: undefined },
  {
    name: 'a plain endpoint without HTTP_PROXY',
    url: 'http://example.org/',
    proxy: undefined,
  },
  { name: 'this host', url: 'https://localhost/publish', proxy: undefined },
  { name: 'its address', url: 'https://127.0.0.1:8130/publish', proxy: undefined },
])("the environment's proxy for $name: $proxy", ({ url, proxy }) => {
  vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
  vi.stubEnv('NO_PROXY', '.example.net');
  expect(connectionOptions(new URL(url), NONE).proxy?.href).toBe(proxy);
});

test('options override the environment', () => {
  vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
  vi.stubEnv('AWS_CA_BUNDLE', '/bundle');
  const given = { proxy: new URL('http://other'), caFile: '/given' };
  expect(connectionOptions(new URL('https://example.org/'), given)).toEqual(given);
});

test('AWS_CA_BUNDLE names the certificates, else SSL_CERT_FILE', () => {
  const caFile = () => connectionOptions(new URL('https://example.org/'), NONE).caFile;
  expect(caFile()).toBe(undefined);
  vi.stubEnv('SSL_CERT_FILE', '/openssl');
  expect(caFile()).toBe('/openssl');
  vi.stubEnv('AWS_CA_BUNDLE', '/bundle');
  expect(caFile()).toBe('/bundle');
});
