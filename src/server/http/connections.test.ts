import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Metrics } from '../../lib/metrics.ts';
import { Connections } from './connections.ts';

let server: Server;
let metrics: Metrics;
let connections: Connections;
const opened: Socket[] = [];

beforeEach(async () => {
  metrics = new Metrics();
  connections = new Connections(3, metrics);
  server = createServer((socket) => {
    socket.on('error', () => {});
    connections.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** Both ends of a new connection. */
async function open(): Promise<{ readonly client: Socket; readonly served: Socket }> {
  const arrived = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  opened.push(client);
  const [served] = (await arrived) as [Socket];
  return { client, served };
}

test('beyond the limit the oldest connection without an accepted request is closed', async () => {
  const agent = await open();
  connections.prove(agent.served);
  const [first, second] = [await open(), await open()];
  const closed = once(first.client, 'close');
  const third = await open();
  await closed;
  expect([agent, second, third].map(({ served }) => served.destroyed)).toEqual([
    false,
    false,
    false,
  ]);
  expect(await metrics.value('nfm_http_connections_displaced_total')).toBe(1);
  expect(await metrics.value('nfm_http_connections')).toBe(3);
});

test('a closed connection makes room', async () => {
  const { client, served } = await open();
  await open();
  await open();
  const closed = once(served, 'close');
  client.destroy();
  await closed;
  await open();
  expect(await metrics.value('nfm_http_connections_displaced_total')).toBe(0);
  expect(await metrics.value('nfm_http_connections')).toBe(3);
});
