import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../../lib/clock.ts';
import { silentLog } from '../../../lib/log.ts';
import { Metrics } from '../../../lib/metrics.ts';
import { resourcesInUse } from '../../../lib/testing.ts';
import { instanceId } from '../../derived-ids.ts';
import { SliceReader } from '../slice-reader.ts';
import { RecordingSink, until } from '../testing.ts';
import { KubernetesSource, type KubernetesSourceDeps, relistCounter } from './kubernetes-source.ts';
import { ApiServerStandIn } from './testing.ts';

const START_SECONDS = 1_800_000_000;
const cluster = { name: 'prod', id: 'prod', account: '111111111111', region: 'eu-west-1' };

// Statements are a second apart.
vi.setConfig({ testTimeout: 30_000 });

let folder: string;
let kubeconfig: string;
let api: ApiServerStandIn;
let sink: RecordingSink;
let clock: FakeClock;
let metrics: Metrics;
let source: KubernetesSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nfm-kubernetes-'));
  api = new ApiServerStandIn();
  await api.start();
  kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, api.kubeconfig);
  sink = new RecordingSink();
  clock = new FakeClock(START_SECONDS * 1000);
  makeSource();
});

function makeSource(more: Pick<KubernetesSourceDeps, 'connectMillis'> = {}): void {
  metrics = new Metrics();
  source = new KubernetesSource({
    reader: new SliceReader({ sink, clock, log: silentLog, metrics }),
    cluster,
    access: kubeconfig,
    clock,
    random: () => 0,
    relists: relistCounter(metrics),
    ...more,
  });
}
afterEach(async () => {
  await source.stop();
  await api.stop();
  await rm(folder, { recursive: true });
});

function pod(name: string, ip: string, more: { nodeName?: string; status?: object } = {}) {
  return {
    metadata: { name, namespace: 'default' },
    spec: { nodeName: more.nodeName ?? 'worker-1' },
    status: { phase: 'Running', podIPs: [{ ip }], ...more.status },
  };
}

/** The names of the pods in the last statement. */
const podNames = () => sink.named('prod', 'kubernetes-pod').map(({ name }) => name);
const untilWatching = () => until(() => expect(api.watching).toBe(4));
const untilPods = (...names: string[]) => until(() => expect(podNames()).toEqual(names));

describe('the statement of a cluster has', () => {
  test('its nodes, with their instances', async () => {
    const node = (name: string, providerID: string) => ({
      metadata: {
        name,
        labels: {
          'eks.amazonaws.com/nodegroup': 'blue',
          'topology.kubernetes.io/zone': 'eu-west-1a',
        },
      },
      spec: { providerID },
      status: {
        nodeInfo: { machineID: 'ec2a' },
        addresses: [
          { type: 'InternalIP', address: '10.0.1.7' },
          { type: 'InternalIP', address: '2001:DB8::7' },
          { type: 'Hostname', address: name },
        ],
      },
    });
    api.put('nodes', node('ip-10-0-1-7', 'aws:///eu-west-1a/i-0123456789abcdef0'));
    api.put('nodes', node('worker-1', ''));
    await source.start();
    const of = (name: string, instance: string) => ({
      kind: 'kubernetes-node',
      id: `prod/${name}`,
      clusterId: 'prod',
      name,
      instanceId: instance,
      addresses: ['10.0.1.7', '2001:db8::7'],
      nodePool: 'blue',
      zoneName: 'eu-west-1a',
    });
    await until(() =>
      expect(sink.last('prod')?.resources).toEqual([
        { kind: 'kubernetes-cluster', ...cluster },
        of('ip-10-0-1-7', 'i-0123456789abcdef0'),
        // The id that an agent on it derives from the same machine id.
        of('worker-1', instanceId(cluster, 'ec2a')),
      ]),
    );
  });

  test('its pods with an address', async () => {
    api.put('pods', pod('web-1', '10.8.0.5'));
    api.put('pods', pod('job-1', '10.8.0.5', { status: { phase: 'Succeeded' } }));
    api.put('pods', pod('starting', '', { status: { podIPs: [] } }));
    await source.start();
    await until(() =>
      expect(sink.named('prod', 'kubernetes-pod')).toEqual([
        {
          kind: 'kubernetes-pod',
          id: 'prod/default/web-1',
          clusterId: 'prod',
          namespace: 'default',
          name: 'web-1',
          nodeName: 'worker-1',
          addresses: ['10.8.0.5'],
          hostNetwork: false,
        },
      ]),
    );
  });

  test('its services, with the endpoints of all their slices', async () => {
    const service = (name: string, clusterIPs: readonly string[]) => ({
      metadata: { name, namespace: 'default' },
      spec: { clusterIPs },
    });
    const slice = (name: string, endpoints: readonly object[]) => ({
      metadata: {
        name,
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType: 'IPv4',
      endpoints,
    });
    api.put('services', service('web', ['172.20.0.9']));
    api.put('services', service('headless', ['None']));
    const targetRef = { kind: 'Pod', name: 'web-1', namespace: 'default' };
    api.put('endpointSlices', slice('web-a', [{ addresses: ['10.8.0.5'], targetRef }]));
    api.put('endpointSlices', slice('web-b', [{ addresses: ['192.0.2.7'] }]));
    await source.start();
    const of = (name: string) => ({
      kind: 'kubernetes-service',
      id: `prod/default/${name}`,
      clusterId: 'prod',
      namespace: 'default',
      name,
    });
    await until(() =>
      expect(sink.named('prod', 'kubernetes-service')).toEqual([
        {
          ...of('web'),
          clusterAddresses: ['172.20.0.9'],
          endpoints: [{ address: '10.8.0.5', podName: 'web-1' }, { address: '192.0.2.7' }],
        },
        { ...of('headless'), clusterAddresses: [], endpoints: [] },
      ]),
    );
  });

  test('all objects of a list in pages', async () => {
    for (let i = 0; i < 1_200; i += 1) api.put('pods', pod(`web-${i}`, '10.8.0.5'));
    await source.start();
    await until(() => expect(podNames()).toHaveLength(1_200));
    expect(api.count('LIST pods')).toBe(3);
  });
});

describe('when the cluster changes', () => {
  test('a pod that moves is on its new node from then on', async () => {
    api.put('pods', pod('web-1', '10.8.0.5'));
    await source.start();
    await untilPods('web-1');
    await untilWatching();
    clock.advance(30_000);
    api.remove('pods', 'web-1');
    api.put('pods', pod('web-2', '10.8.0.5', { nodeName: 'worker-2' }));
    await untilPods('web-2');
    expect(sink.last('prod')?.atSeconds).toBe(START_SECONDS + 30);
    expect(api.count('LIST')).toBe(4);
  });

  test('changes in quick succession are one statement', async () => {
    await source.start();
    await untilWatching();
    for (let i = 0; i < 500; i += 1) api.put('pods', pod(`web-${i}`, '10.8.0.5'));
    await until(() => expect(podNames()).toHaveLength(500));
    expect(sink.statements.length).toBeLessThan(10);
  });

  test('a lost connection is resumed and misses nothing', async () => {
    api.put('pods', pod('web-1', '10.8.0.5'));
    await source.start();
    await untilPods('web-1');
    await untilWatching();
    api.dropWatches();
    api.put('pods', pod('web-2', '10.8.0.6'));
    await untilPods('web-1', 'web-2');
    expect(api.count('LIST')).toBe(4);
    expect(api.count('WATCH pods 2')).toBe(2);
  });

  test('a lost connection is resumed from the last bookmark', async () => {
    await source.start();
    await untilWatching();
    api.put('nodes', { metadata: { name: 'worker-1' } });
    api.bookmark('pods');
    await until(() => expect(sink.named('prod', 'kubernetes-node')).toHaveLength(1));
    api.compact();
    api.dropWatches();
    await until(() => expect(api.count('WATCH pods 3')).toBe(1));
    await untilWatching();
    expect(api.count('LIST pods')).toBe(1);
  });

  test.each([
    { name: 'in the watch', refuse: () => undefined },
    {
      name: 'before the watch',
      refuse: (request: string) => (/^WATCH pods [12]$/.test(request) ? 410 : undefined),
    },
  ])('a version that the server no longer has ($name) causes a new list', async ({ refuse }) => {
    api.put('pods', pod('web-1', '10.8.0.5'));
    await source.start();
    await untilPods('web-1');
    await untilWatching();
    api.refuse = (request) => (request.startsWith('WATCH') ? 503 : undefined);
    api.dropWatches();
    api.remove('pods', 'web-1');
    api.put('pods', pod('web-2', '10.8.0.5'));
    api.compact();
    api.refuse = refuse;
    await untilPods('web-2');
    expect(api.count('LIST pods')).toBe(2);
    expect(await metrics.value('nfm_topology_kubernetes_relists_total')).toBeGreaterThan(0);
  });
});

describe('a cluster that cannot be watched', () => {
  test('fails with the reason, keeps its statement, and continues when it can', async () => {
    api.put('pods', pod('web-1', '10.8.0.5'));
    await source.start();
    await untilPods('web-1');
    await untilWatching();
    api.refuse = (request) => (request.includes('pods') ? 403 : undefined);
    api.dropWatches();
    api.put('nodes', { metadata: { name: 'worker-1' } });
    await until(() => expect(sink.failures.length).toBeGreaterThan(0));
    expect(sink.failures[0]?.message).toBe(
      'cannot watch pods of cluster prod: HTTP status 403: Forbidden',
    );
    const before = sink.statements.length;
    api.refuse = () => undefined;
    await until(() => expect(sink.statements.length).toBeGreaterThan(before));
    expect(podNames()).toEqual(['web-1']);
    expect(sink.named('prod', 'kubernetes-node')).toHaveLength(1);
  });

  test.each([
    { status: 401, message: 'HTTP status 401: Unauthorized' },
    { status: 403, message: 'HTTP status 403: refused with 403' },
  ])(
    'from the start ($status) makes no statement until all is known',
    async ({ status, message }) => {
      api.refuse = (request) => (request === 'LIST services' ? status : undefined);
      api.put('pods', pod('web-1', '10.8.0.5'));
      await source.start();
      await until(() => expect(sink.failures.length).toBeGreaterThan(0));
      await until(() => expect(api.watching).toBe(3));
      expect(sink.failures[0]?.message).toBe(`cannot watch services of cluster prod: ${message}`);
      expect(sink.statements).toEqual([]);
      api.refuse = () => undefined;
      await untilPods('web-1');
    },
  );

  test('because of a missing kubeconfig fails with its path', async () => {
    await rm(kubeconfig);
    await source.start();
    await until(() => expect(sink.failures).toHaveLength(1));
    expect(sink.failures[0]?.message).toContain(`cannot connect to cluster prod: ENOENT`);
    expect(sink.failures[0]?.message).toContain(kubeconfig);
  });
});

test.each(['LIST', 'WATCH'])(
  'a server that does not answer %s does not delay a stop',
  async (request) => {
    api.refuse = (made) => (made.startsWith(request) ? 'silence' : undefined);
    await source.start();
    await until(() => expect(api.count(request)).toBe(4));
    await source.stop();
    expect(sink.failures).toEqual([]);
  },
);

test.each(['LIST', 'WATCH'])(
  'a server that never answers %s is a failure, is asked again, and keeps no connection',
  async (request) => {
    api.refuse = (made) => (made.startsWith(request) ? 'silence' : undefined);
    makeSource({ connectMillis: 50 });
    await source.start();
    await until(() =>
      expect(sink.failures.at(-1)?.message).toMatch(
        /^cannot watch \w+ of cluster prod: no answer within 0.05 s$/,
      ),
    );
    await until(() => expect(api.count(request)).toBeGreaterThan(4));
    await until(() => expect(api.connections).toBeLessThanOrEqual(4));
    api.refuse = () => undefined;
    await until(() => expect(sink.statements.length).toBeGreaterThan(0));
  },
);

test('a stop ends every watch and leaves no connection open', async () => {
  // Only the server of the stand-in stays open in this process.
  const sockets = () => resourcesInUse().filter((kind) => /TCP|CloseReq/.test(kind));
  await source.start();
  await untilWatching();
  await source.stop();
  await until(() => expect(sockets()).toEqual(['TCPServerWrap']));
  expect(api.watching).toBe(0);
  expect(sink.failures).toEqual([]);
});
