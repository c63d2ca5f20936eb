import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_METADATA, readInstanceMetadata } from './instance-metadata.ts';

let server: Server;
let endpoint: string;
/** The service's values, by the path behind /latest/. */
let known: Readonly<Record<string, string>>;

beforeEach(async () => {
  server = createServer((request, response) => {
    const { method, url = '', headers } = request;
    const name = url.replace('/latest/', '');
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

const MACS = 'meta-data/network/interfaces/macs/';

test('the metadata service names instance, type, image, place, account and cards', async () => {
  known = {
    'meta-data/instance-id': 'i-0123456789abcdef0',
    'meta-data/instance-type': 'c7g.large',
    'meta-data/placement/availability-zone-id': 'euc1-az2',
    'meta-data/placement/availability-zone': 'eu-central-1a',
    'meta-data/placement/region': 'eu-central-1',
    'dynamic/instance-identity/document': '{"accountId":"123456789012","imageId":"ami-01"}',
    [MACS]: '02:00:00:00:00:01/\n02:00:00:00:00:02/',
    [`${MACS}02:00:00:00:00:01/interface-id`]: 'eni-01',
    [`${MACS}02:00:00:00:00:01/subnet-id`]: 'subnet-01',
    [`${MACS}02:00:00:00:00:01/vpc-id`]: 'vpc-01',
    [`${MACS}02:00:00:00:00:02/interface-id`]: 'eni-02',
  };
  expect(await readInstanceMetadata(endpoint)).toEqual({
    instanceId: 'i-0123456789abcdef0',
    instanceType: 'c7g.large',
    imageId: 'ami-01',
    zone: 'euc1-az2',
    zoneName: 'eu-central-1a',
    region: 'eu-central-1',
    account: '123456789012',
    cards: [
      { id: 'eni-01', mac: '02:00:00:00:00:01', subnetId: 'subnet-01', vpcId: 'vpc-01' },
      { id: 'eni-02', mac: '02:00:00:00:00:02', subnetId: '', vpcId: '' },
    ],
  });
});

test('the primary one of several cards is first', async () => {
  known = { 'meta-data/instance-id': 'i-1', 'meta-data/mac': '02:02', [MACS]: '02:01/\n02:02/' };
  const { cards } = await readInstanceMetadata(endpoint);
  expect(cards.map(({ mac }) => mac)).toEqual(['02:02', '02:01']);
});

test('a service with fewer values still names the instance', async () => {
  known = {
    'meta-data/instance-id': 'i-0123456789abcdef0',
    'dynamic/instance-identity/document': 'no JSON',
  };
  expect(await readInstanceMetadata(endpoint)).toEqual({
    ...NO_METADATA,
    instanceId: 'i-0123456789abcdef0',
  });
});

test('without an answer the metadata is empty', async () => {
  expect(await readInstanceMetadata('http://127.0.0.1:9')).toEqual(NO_METADATA);
});
