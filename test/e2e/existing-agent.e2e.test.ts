import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { stableId } from '../../src/model/ids.ts';
import { signRequest } from '../../src/wire/sigv4/sign.ts';
import { Poster } from '../load/poster.ts';
import { ACCOUNT, ApiView, REGION } from './api-view.ts';
import { agentReport, type FlowFixture, flowMembers } from './existing-agent-fixtures.ts';
import { type AgentReport, encodeAgentReport } from './existing-agent-report.ts';

let server: ServerProcess;
let poster: Poster;
let api: ApiView;

beforeAll(async () => {
  server = await ServerProcess.start();
  poster = new Poster({
    endpoint: server.endpoint,
    credentials: await server.credentials('agent'),
    region: REGION,
    connections: 1,
  });
  api = await ApiView.open(server);
});
afterAll(async () => {
  poster?.close();
  await server?.dispose();
});

/** Posts a report and waits for its flows; returns them in the report's order. */
async function rowsOf(report: AgentReport, flows: readonly FlowFixture[]) {
  const answer = await poster.post(gzipSync(encodeAgentReport(report)));
  expect(answer).toEqual({ status: 200, body: '{}' });
  const local = flows[0]?.local ?? '';
  const rows = await api.untilFlows({ localIp: local }, (found) => found.length === flows.length);
  return flows.map(({ remote }) => rows.find(({ remoteIp }) => remoteIp === remote));
}

test('every value of an EC2 host is stored, for both sides and both address families', async () => {
  const host = { local: '10.71.0.5', localPort: 0, remotePort: 0 };
  const flows: readonly FlowFixture[] = [
    { ...host, remote: '10.71.9.9', remotePort: 5432, seed: 1 },
    { ...host, remote: '10.71.9.10', localPort: 8443, seed: 2, metricsReversed: true },
    { ...host, remote: '52.94.5.6', remotePort: 443, seed: 3 },
    { ...host, remote: '2a05:d018::1', remotePort: 443, seed: 4 },
  ];
  const report = agentReport(
    {
      'instance-id': 'i-0aa71000000000005',
      'instance-type': 'm7g.large',
      'machine-id': 'ec271000000000000000000000000005',
      compute_platform: 'EC2_PLAIN',
    },
    flows,
  );
  const rows = await rowsOf(report, flows);
  const expected = [
    { side: 'client', servicePort: 5432, category: 'UNCLASSIFIED' },
    { side: 'server', servicePort: 8443, category: 'UNCLASSIFIED' },
    { side: 'client', servicePort: 443, category: 'INTERNET' },
    { side: 'client', servicePort: 443, category: 'INTERNET' },
  ];
  for (const [i, row] of rows.entries()) {
    expect(row).toMatchObject({ ...expected[i], localInstance: 'i-0aa71000000000005' });
    expect(row).toMatchObject(flowMembers(flows[i]?.seed ?? 0));
  }
});

const PODS = {
  local_pod_name: 'cart-7f9c',
  local_pod_namespace: 'shop',
  local_pod_service: 'cart',
  remote_pod_name: 'stock-0',
  remote_pod_namespace: 'store',
  remote_pod_service: 'stock',
};
const KUBERNETES_METADATA = {
  localPodName: 'cart-7f9c',
  localPodNamespace: 'shop',
  localServiceName: 'cart',
  remotePodName: 'stock-0',
  remotePodNamespace: 'store',
  remoteServiceName: 'stock',
};

test.each([
  {
    name: 'an EKS node, its keys spelled with underscores',
    local: '10.72.0.5',
    resource: {
      instance_id: 'i-0aa72000000000005',
      instance_type: 'm7g.large',
      machine_id: 'ec272000000000000000000000000005',
      compute_platform: 'EC2_K8S_EKS',
      k8s_node_name: 'ip-10-72-0-5.ec2.internal',
      k8s_eks_cluster_name: 'shop',
    },
    instance: 'i-0aa72000000000005',
    cluster: 'shop',
  },
  {
    name: 'a node of another Kubernetes, where no metadata service answers',
    local: '10.73.0.5',
    resource: {
      'instance-id': '',
      'instance-type': '',
      'machine-id': 'ec273000000000000000000000000005',
      compute_platform: 'EC2_K8S_VANILLA',
      k8s_node_name: 'node-5',
    },
    instance: stableId('i', ACCOUNT, REGION, 'ec273000000000000000000000000005'),
    cluster: undefined,
  },
])('$name: pods, ports and values are in the monitor', async (node) => {
  const { local, resource, instance, cluster } = node;
  const flow: FlowFixture = {
    ...{ local, localPort: 0, remote: '10.79.1.1', remotePort: 6379 },
    ...{ seed: 5, pods: PODS },
  };
  const [row] = await rowsOf(agentReport(resource, [flow]), [flow]);
  expect(row).toMatchObject({ ...KUBERNETES_METADATA, localInstance: instance });
  expect(row?.localCluster).toBe(cluster);
  const members = flowMembers(flow.seed);
  expect(row).toMatchObject(members);
  const sum = (...names: readonly string[]) =>
    names.reduce((total, name) => total + (members[name] ?? 0), 0);
  const expected = [
    ['DATA_TRANSFERRED', sum('bytesReceived', 'bytesDelivered')],
    ['RETRANSMISSIONS', sum('retransSyn', 'retransEst', 'retransClose')],
    ['TIMEOUTS', sum('rtosSyn', 'rtosEst', 'rtosClose')],
  ] as const;
  for (const [metric, value] of expected) {
    const rows = await api.monitorRows({ metric, category: 'UNCLASSIFIED' });
    const found = rows.find(({ localIp }) => localIp === local);
    expect(found).toMatchObject({
      ...{ localIp: local, remoteIp: '10.79.1.1', targetPort: 6379 },
      ...{ localInstanceId: instance, kubernetesMetadata: KUBERNETES_METADATA },
    });
    expect(Number(found?.value)).toBe(value);
  }
});

test('an uncompressed report is accepted too', async () => {
  const flow: FlowFixture = {
    ...{ local: '10.74.0.5', localPort: 22, remote: '10.74.0.6', remotePort: 0, seed: 6 },
  };
  const body = Buffer.from(encodeAgentReport(agentReport({ 'machine-id': 'ec274' }, [flow])));
  const signed = signRequest({
    method: 'POST',
    target: '/publish',
    headers: {
      // The existing agent sends the host without the port.
      host: new URL(server.endpoint).hostname,
      'content-type': 'application/x-protobuf',
    },
    body,
    credentials: await server.credentials('agent'),
    region: REGION,
    service: 'networkflowmonitor',
    now: new Date(),
  });
  const headers = { ...signed, 'content-length': String(body.length) };
  expect((await poster.send(body, headers)).status).toBe(200);
  const [row] = await api.untilFlows({ localIp: flow.local }, (rows) => rows.length === 1);
  expect(row).toMatchObject({ side: 'server', servicePort: 22, ...flowMembers(flow.seed) });
});

test('a report without flows is accepted and produces no row', async () => {
  const before = await api.flows();
  const empty = agentReport({ 'machine-id': 'ec275' }, []);
  expect((await poster.post(gzipSync(encodeAgentReport(empty)))).status).toBe(200);
  // Reports are stored in order: when this report's row exists, the empty one has been read.
  const flow = { local: '10.76.0.5', localPort: 0, remote: '10.76.0.6', remotePort: 80, seed: 7 };
  await rowsOf(agentReport({ 'machine-id': 'ec276' }, [flow]), [flow]);
  expect(await api.flows()).toHaveLength(before.length + 1);
});
