import { expect, test } from 'vitest';
import type { FlowReader } from '../../query/queries.ts';
import { callExtension, rawRequest } from '../testing.ts';
import { flowRoutes } from './flow-routes.ts';

type Statement = Parameters<FlowReader['query']>[0];

const NOW = Date.parse('2027-01-15T08:00:00.500Z');
const principal = {
  account: '000000000000',
  region: 'us-east-1',
  accessKeyId: 'key',
  kind: 'admin' as const,
};

/** Lists flows from a store with these rows; also returns the parameters of its statement. */
async function ask(query: string, rows: readonly unknown[] = []) {
  const asked: Statement[] = [];
  const store: FlowReader = {
    query: <Row>(statement: Statement) => {
      asked.push(statement);
      return Promise.resolve([...rows] as Row[]);
    },
  };
  const routes = flowRoutes({ store, now: () => NOW });
  const request = rawRequest('GET', `/api/v1/flows${query}`);
  return {
    ...(await callExtension(routes, request, principal)),
    params: (asked[0]?.fragment ?? []).flatMap((part) =>
      typeof part === 'string' ? [] : [part.value],
    ),
  };
}

const seconds = (time: string) => Date.parse(time) / 1000;

test("the default range is the hour that ends a minute ahead of the clock, in the caller's account and Region", async () => {
  const { params, text, status } = await ask('');
  const end = seconds('2027-01-15T08:01:01Z');
  expect(params).toEqual(['000000000000', 'us-east-1', end - 3_600, end, 100]);
  expect([status, text]).toEqual([200, '{"flows":[]}']);
});

test('every parameter becomes a condition of the statement', async () => {
  const { params } = await ask(
    '?start=2027-01-15T06:00:00Z&end=2027-01-15T07:00:00Z&limit=7&localIp=10.0.1.7&remoteIp=2001:DB8::0:1&servicePort=443&category=INTERNET',
  );
  expect(params).toEqual([
    '000000000000',
    'us-east-1',
    seconds('2027-01-15T06:00:00Z'),
    seconds('2027-01-15T07:00:00Z'),
    '10.0.1.7',
    '2001:db8::1',
    443,
    'INTERNET',
    7,
  ]);
});

test.each([
  { query: '?limit=0', message: 'limit must be an integer from 1 to 1000' },
  { query: '?limit=1001', message: 'limit must be an integer from 1 to 1000' },
  { query: '?limit=1e2', message: 'limit must be an integer from' },
  { query: '?limit=', message: 'limit must be an integer from' },
  { query: '?servicePort=65536', message: 'servicePort must be an integer from 0 to 65535' },
  { query: '?servicePort=-1', message: 'servicePort must be an integer from' },
  { query: '?localIp=localhost', message: 'localIp must be an IPv4 or IPv6 address' },
  { query: "?remoteIp=1'", message: 'remoteIp must be an IPv4 or IPv6 address' },
  { query: '?category=internet', message: 'category must be INTER_VPC, INTRA_AZ' },
  { query: '?start=yesterday', message: 'start must be an ISO 8601 time' },
  { query: '?end=1969-12-31T23:59:59Z', message: 'end must be an ISO 8601 time' },
  { query: '?end=2200-01-01T00:00:00Z', message: 'end must be an ISO 8601 time' },
  { query: '?start=2027-01-15T09:00:00Z', message: 'start must be before end' },
  { query: '?port=443', message: 'unknown parameter port; expected start, end, limit, localIp' },
])('$query is rejected', async ({ query, message }) => {
  await expect(ask(query)).rejects.toMatchObject({ name: 'ValidationException' });
  await expect(ask(query)).rejects.toThrow(message);
});

test('column names become API member names, 64-bit sums keep their digits, unknown values are absent', async () => {
  const row = {
    local_ip: '::ffff:10.0.1.7',
    remote_ip: '2001:db8::1',
    service_port: 443,
    local_subnet: '',
    bytes_received: '18446744073709551615',
    retrans_est: '0',
  };
  expect((await ask('', [row])).text).toBe(
    '{"flows":[{"localIp":"10.0.1.7","remoteIp":"2001:db8::1","servicePort":443,"bytesReceived":18446744073709551615,"retransEst":0}]}',
  );
});
