import { expect, test } from 'vitest';
import { groupHeaders } from '../../model/http.ts';
import { ClientAddresses } from './client-address.ts';

const PROXY = '10.0.0.7';
const TRUSTED = '10.0.0.0/24, fd00::1, 127.0.0.1';

const find = (trusted: string, peer: string, headers: Readonly<Record<string, string>>) => {
  const all = { host: 'localhost:8130', ...headers };
  return new ClientAddresses(trusted).find(peer, {
    headers: groupHeaders(Object.entries(all).flat()),
  });
};

test.each([
  ['127.0.0.1', {}, true],
  ['::1', { host: '[::1]:8130' }, true],
  ['::ffff:127.0.0.1', {}, true],
  ['127.0.0.1', { host: '0.0.0.0:8130' }, true],
  ['::1', { host: '[::]:8130' }, true],
  ['192.0.2.1', {}, false],
  ['127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, false],
  ['127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, false],
  ['127.0.0.1', { forwarded: 'for=127.0.0.1' }, false],
  ['127.0.0.1', { 'x-forwarded-proto': 'https' }, false],
  ['127.0.0.1', { 'x-real-ip': '127.0.0.1' }, false],
  ['127.0.0.1', { via: '1.1 proxy' }, false],
  ['127.0.0.1', { host: 'nfm.example.net' }, false],
])('without trusted proxies a request from %s with %j is local: %s', (peer, headers, isLocal) => {
  const client = find('', peer, headers);
  expect(client).toEqual({ address: peer.replace('::ffff:', ''), isLocal });
});

test.each([
  ['one proxy', PROXY, { 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
  ['a proxy on this host', '127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9'],
  ['two proxies', PROXY, { 'x-forwarded-for': '203.0.113.9, 10.0.0.8' }, '203.0.113.9'],
  [
    'an invented first entry',
    PROXY,
    { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' },
    '203.0.113.9',
  ],
  ['an entry with a port', PROXY, { 'x-forwarded-for': '203.0.113.9:4711' }, '203.0.113.9'],
  ['an IPv6 entry with a port', PROXY, { 'x-forwarded-for': '[2001:DB8::1]:4711' }, '2001:db8::1'],
  ['an entry that is no address', PROXY, { 'x-forwarded-for': '203.0.113.9, unknown' }, PROXY],
  ['loopback behind a proxy', PROXY, { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1'],
  ['Forwarded', 'fd00::1', { forwarded: 'for="[2001:db8::1]:4711";proto=https' }, '2001:db8::1'],
  ['a hidden client', PROXY, { forwarded: 'for=_hidden, for=203.0.113.9' }, '203.0.113.9'],
  [
    'both headers',
    PROXY,
    { forwarded: 'for=127.0.0.1', 'x-forwarded-for': '203.0.113.9' },
    '203.0.113.9',
  ],
  ['no header', PROXY, {}, PROXY],
])('a trusted proxy names the client: %s', (...[, peer, headers, address]) => {
  expect(find(TRUSTED, peer, headers)).toEqual({ address, isLocal: false });
});

test('a proxy that is not trusted cannot name a client', () => {
  const client = find(TRUSTED, '192.0.2.1', { 'x-forwarded-for': '127.0.0.1' });
  expect(client).toEqual({ address: '192.0.2.1', isLocal: false });
});
