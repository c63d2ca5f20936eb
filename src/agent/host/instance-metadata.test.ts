import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readInstanceMetadata } from './instance-metadata.ts';

const NOTHING = { instanceId: '', instanceType: '', zone: '' };

let server: Server;
let endpoint: string;
/** What the service knows, by the path behind /latest/meta-data/. */
let known: Readonly<Record<string, string>>;

beforeEach(async () => {
  server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    const name = url.replace('/latest/meta-data/', '');
    if (method === 'PUT' && url === '/latest/api/token') return response.end('token');
    const isKnown = headers['x-aws-ec2-metadata-token'] === 'token' && known[name] !== undefined;
    response.statusCode = isKnown ? 200 : 404;
    return response.end(known[name]);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('the metadata service names instance, type and zone', async () => {
  known = {
    'instance-id': 'i-0123456789abcdef0',
    'instance-type': 'c7g.large',
    'placement/availability-zone-id': 'euc1-az2',
  };
  expect(await readInstanceMetadata(endpoint)).toEqual({
    instanceId: 'i-0123456789abcdef0',
    instanceType: 'c7g.large',
    zone: 'euc1-az2',
  });
});

test('a service that does not know the zone still names the instance', async () => {
  known = { 'instance-id': 'i-0123456789abcdef0' };
  expect(await readInstanceMetadata(endpoint)).toEqual({
    ...NOTHING,
    instanceId: 'i-0123456789abcdef0',
  });
});

test('where nobody answers nothing is known', async () => {
  expect(await readInstanceMetadata('http://127.0.0.1:9')).toEqual(NOTHING);
});
