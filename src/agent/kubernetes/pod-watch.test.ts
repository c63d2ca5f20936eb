import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/log.ts';
import { VALUES_LENGTH } from '../../model/flow-metrics.ts';
import { namePods } from './name-pods.ts';
import { PodWatch } from './pod-watch.ts';

/** A stand-in for the API server: it lists `pods`, and a test writes events to `watching`. */
let server: Server;
let pods: object[];
let services: object[];
let watching: ServerResponse | undefined;
let watchingServices: ServerResponse | undefined;
let asked: URLSearchParams[];
let paths: string[];
let tokens: (string | undefined)[];
let status: number;
let watch: PodWatch;
let token: string;

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
  const isWatch = searchParams.get('watch') === '1';
  paths.push(pathname);
  if (pathname === '/api/v1/pods') {
    asked.push(searchParams);
    tokens.push(request.headers.authorization);
    response.statusCode = status;
    if (isWatch) watching = response;
  } else if (isWatch) watchingServices = response;
  if (isWatch) {
    response.flushHeaders();
    return;
  }
  const items = pathname === '/api/v1/pods' ? pods : services;
  response.end(JSON.stringify({ metadata: { resourceVersion: '10' }, items }));
}

beforeEach(async () => {
  pods = [];
  services = [];
  asked = [];
  paths = [];
  tokens = [];
  status = 200;
  token = 'first';
  watching = undefined;
  watchingServices = undefined;
  server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  watch = new PodWatch({
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    connections: new Agent({ keepAlive: true, maxSockets: 8 }),
    nodeName: 'node-1',
    token: async () => token,
    log: silentLog,
    random: () => 0,
  });
});
afterEach(async () => {
  await watch.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

interface PodGiven {
  readonly ips: readonly string[];
  readonly hostNetwork?: boolean;
  readonly phase?: string;
  readonly version?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function pod(name: string, given: PodGiven) {
  const { ips, hostNetwork = false, phase = 'Running', version, labels = {} } = given;
  const metadata = {
    labels,
    uid: `uid-${name}`,
    name,
    namespace: 'shop',
    resourceVersion: version ?? '11',
  };
  const podIPs = ips.map((ip) => ({ ip }));
  return { metadata, spec: { hostNetwork }, status: { phase, podIP: ips[0], podIPs } };
}

const send = (type: string, object: object) =>
  watching?.write(`${JSON.stringify({ type, object })}\n`);

const isWatching = () => vi.waitFor(() => expect(watching).toBeDefined());
const isKnown = (address: string, name: string | undefined) =>
  vi.waitFor(() => expect(watch.podOf(address)?.name).toBe(name));

test('a pod of this node is found by each of its addresses', async () => {
  pods = [pod('web', { ips: ['10.1.0.5', '2001:DB8:0::5'] })];
  watch.start();
  await isKnown('10.1.0.5', 'web');
  expect(watch.podOf('2001:db8::5')).toEqual({
    name: 'web',
    namespace: 'shop',
    serviceName: '',
  });
  expect(asked[0]?.get('fieldSelector')).toBe('spec.nodeName=node-1');
  expect(tokens[0]).toBe('Bearer first');
});

test("pods in the node's network and ended pods are left out", async () => {
  pods = [
    pod('agent', { ips: ['192.168.0.1'], hostNetwork: true }),
    pod('job', { ips: ['10.1.0.6'], phase: 'Succeeded' }),
    pod('web', { ips: ['10.1.0.5'] }),
  ];
  watch.start();
  await isKnown('10.1.0.5', 'web');
  expect(watch.podOf('192.168.0.1')).toBe(undefined);
  expect(watch.podOf('10.1.0.6')).toBe(undefined);
});

test('pods are created, change their address and are deleted', async () => {
  watch.start();
  await isWatching();
  send('ADDED', pod('new', { ips: [] }));
  send('MODIFIED', pod('new', { ips: ['10.1.0.7'] }));
  await isKnown('10.1.0.7', 'new');
  send('DELETED', pod('new', { ips: ['10.1.0.7'] }));
  await isKnown('10.1.0.7', undefined);
});

test('a watch that ends continues at its version, with the current token', async () => {
  watch.start();
  await isWatching();
  send('BOOKMARK', pod('', { ips: [], version: '42' }));
  token = 'second';
  watching?.end();
  await vi.waitFor(() => expect(asked.at(-1)?.get('resourceVersion')).toBe('42'));
  expect(tokens.at(-1)).toBe('Bearer second');
});

test('all pods are listed again when the version is too old', async () => {
  pods = [pod('old', { ips: ['10.1.0.8'] })];
  watch.start();
  await isKnown('10.1.0.8', 'old');
  await isWatching();
  pods = [pod('fresh', { ips: ['10.1.0.9'] })];
  send('ERROR', { code: 410, message: 'too old resource version' });
  await isKnown('10.1.0.9', 'fresh');
  expect(watch.podOf('10.1.0.8')).toBe(undefined);
});

test('a rejected request is repeated', async () => {
  status = 403;
  watch.start();
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(2));
  pods = [pod('web', { ips: ['10.1.0.5'] })];
  status = 200;
  await isKnown('10.1.0.5', 'web');
});

const service = (name: string, selector: Readonly<Record<string, string>>) => {
  return { metadata: { uid: `uid-${name}`, name, namespace: 'shop' }, spec: { selector } };
};
const isServedBy = (address: string, name: string) =>
  vi.waitFor(() => expect(watch.podOf(address)?.serviceName).toBe(name));

test('a pod has the first service by name that selects it, as services are added and deleted', async () => {
  pods = [pod('web', { ips: ['10.1.0.5'], labels: { app: 'web', tier: 'front' } })];
  services = [
    service('web-metrics', { app: 'web' }),
    service('web', { app: 'web', tier: 'front' }),
    service('api', { app: 'web', tier: 'back' }),
    service('elsewhere', {}),
  ];
  watch.start();
  await isServedBy('10.1.0.5', 'web');
  await vi.waitFor(() => expect(watchingServices).toBeDefined());
  watchingServices?.write(`${JSON.stringify({ type: 'DELETED', object: services[1] })}\n`);
  await isServedBy('10.1.0.5', 'web-metrics');
});

test('services are followed only in namespaces that have a pod on this node', async () => {
  pods = [pod('web', { ips: ['10.1.0.5'], labels: { app: 'web' } })];
  services = [service('web', { app: 'web' })];
  watch.start();
  await isServedBy('10.1.0.5', 'web');
  await isWatching();
  await vi.waitFor(() => expect(watchingServices).toBeDefined());
  expect(new Set(paths)).toEqual(new Set(['/api/v1/pods', '/api/v1/namespaces/shop/services']));
  const ended = once(watchingServices!, 'close');
  send('DELETED', pods[0]!);
  await ended;
});

test('flows get the names of the pods at their ends', async () => {
  const values = new Float64Array(VALUES_LENGTH);
  const ends = { localAddress: '10.1.0.5', remoteAddress: '10.1.0.6' };
  const flow = { ...ends, side: 'client', servicePort: 443, values } as const;
  const known = new Map([['10.1.0.6', { name: 'db', namespace: 'shop', serviceName: 'orders' }]]);
  const named = namePods(flow, (address) => known.get(address));
  expect(named.pods).toMatchObject({
    localPodName: '',
    remotePodName: 'db',
    remoteServiceName: 'orders',
  });
  expect(namePods(flow, () => undefined)).toBe(flow);
});
