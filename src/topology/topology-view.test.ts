import { describe, expect, test } from 'vitest';
import type { PathEnd } from '../model/topology.ts';
import { AddressBook, type AddressClaim } from './address-book.ts';
import type { Resource } from './graph/resource.ts';
import { HostTraits } from './host-traits.ts';
import { nic, snapshotOf, subnet, vpc } from './testing.ts';
import { TopologyView } from './topology-view.ts';

const owner = { account: '111111111111', region: 'us-east-1' };
const NOW = 1_800_000_000;

function claim(address: string, vpcId: string, instanceId: string): AddressClaim {
  return {
    address,
    prefix: '10.0.0.0/16',
    endpoint: { ...owner, vpcId, subnetId: `subnet-of-${instanceId}`, az: 'use1-az2', instanceId },
    fromSeconds: NOW,
    lastSeenSeconds: NOW,
  };
}

function view(resources: readonly Resource[], ...claims: readonly AddressClaim[]): TopologyView {
  return new TopologyView(
    snapshotOf(...resources),
    new AddressBook({ claims, onAmbiguous: () => {} }),
  );
}

const network = [vpc('vpc-a', '10.0.0.0/16'), subnet('subnet-1', 'vpc-a', '10.0.1.0/24')];
const vantage = { owner, vpcId: 'vpc-a', timeSeconds: NOW };

describe('other sources have precedence over agents', () => {
  test('a host that only its agent describes is in the subnet of another source', () => {
    const topology = view(network, claim('10.0.1.7', 'vpc-a', 'i-agent'));
    expect(topology.locate('10.0.1.7', vantage)).toMatchObject({
      subnetId: 'subnet-1',
      az: 'use1-az1',
      instanceId: 'i-agent',
    });
  });

  test('outside of all subnets of other sources, it is in the subnet of its agent', () => {
    const topology = view(network, claim('10.0.9.7', 'vpc-a', 'i-agent'));
    const table: Resource = {
      ...{ kind: 'route-table', id: 'rtb-1', ...owner, vpcId: 'vpc-a' },
      ...{ isMain: true, subnetIds: [], routes: [] },
    };
    const routed = view([...network, table], claim('10.0.9.7', 'vpc-a', 'i-agent'));
    for (const one of [topology, routed]) {
      expect(one.locate('10.0.9.7', vantage)).toMatchObject({
        subnetId: 'subnet-of-i-agent',
        instanceId: 'i-agent',
      });
    }
  });

  test('an agent cannot claim an address that another source gives to an instance', () => {
    const own = nic('eni-1', 'vpc-a', {
      subnetId: 'subnet-1',
      addresses: ['10.0.1.7'],
      instanceId: 'i-1',
    });
    const topology = view([...network, own], claim('10.0.1.7', 'vpc-a', 'i-agent'));
    expect(topology.locate('10.0.1.7', vantage)?.instanceId).toBe('i-1');
  });

  test('a network unknown to other sources is as agents describe it', () => {
    const topology = view(network, claim('10.0.1.7', 'vpc-z', 'i-agent'));
    expect(topology.locate('10.0.1.7', { ...vantage, vpcId: 'vpc-z' })?.instanceId).toBe('i-agent');
  });

  test('an address is found in each network, from any source', () => {
    const topology = view(network, claim('10.0.1.7', 'vpc-z', 'i-agent'));
    expect(topology.everywhere('10.0.1.7', NOW)).toMatchObject([
      { network: 'vpc-a', subnetId: 'subnet-1', instanceId: '' },
      { network: 'vpc-z', instanceId: 'i-agent' },
    ]);
  });
});

describe('pods and services', () => {
  const cluster = 'cluster-a';
  const pod = (name: string, address: string, parts: object = {}): Resource => ({
    kind: 'kubernetes-pod',
    id: `${cluster}/shop/${name}`,
    clusterId: cluster,
    namespace: 'shop',
    name,
    nodeName: 'node-1',
    addresses: [address],
    hostNetwork: false,
    ...parts,
  });
  const node: Resource = {
    kind: 'kubernetes-node',
    id: `${cluster}/node-1`,
    clusterId: cluster,
    name: 'node-1',
    instanceId: 'i-1',
    addresses: ['10.0.1.7'],
  };
  const resources: readonly Resource[] = [
    ...network,
    nic('eni-1', 'vpc-a', { subnetId: 'subnet-1', addresses: ['10.0.1.7'], instanceId: 'i-1' }),
    { kind: 'kubernetes-cluster', id: cluster, name: 'a', ...owner, vpcId: 'vpc-a' },
    node,
    pod('web-1', '10.0.1.30'),
    pod('db-0', '10.0.1.31'),
    pod('overlaid', '100.64.0.9'),
    pod('proxy', '10.0.1.7', { hostNetwork: true }),
    {
      kind: 'kubernetes-service',
      id: `${cluster}/shop/db`,
      clusterId: cluster,
      namespace: 'shop',
      name: 'db',
      clusterAddresses: ['172.20.0.10'],
      endpoints: [{ address: '10.0.1.31', podName: 'db-0' }],
    },
    { kind: 'kubernetes-cluster', id: 'cluster-b', name: 'b', ...owner, vpcId: 'vpc-a' },
    pod('far', '10.0.1.99', { id: 'cluster-b/shop/far', clusterId: 'cluster-b' }),
  ];
  const end = (address: string): PathEnd => ({
    ...owner,
    vpcId: 'vpc-a',
    subnetId: '',
    az: '',
    instanceId: '',
    address,
  });
  const names = (local: string, remote: string, all = resources) =>
    view(all).podNamesOf(end(local), remote, NOW);
  const db = { remotePodName: 'db-0', remotePodNamespace: 'shop', remoteServiceName: 'db' };
  const service = { ...db, remotePodName: '' };
  const none = { remotePodName: '', remotePodNamespace: '', remoteServiceName: '' };
  const web = { localPodName: 'web-1', localPodNamespace: 'shop', localServiceName: '' };

  test.each([
    {
      name: 'a pod to a cluster IP: the service',
      local: '10.0.1.30',
      remote: '172.20.0.10',
      expected: { ...web, ...service },
    },
    {
      name: 'a pod to a pod',
      local: '10.0.1.30',
      remote: '10.0.1.31',
      expected: { ...web, ...db },
    },
    {
      name: 'a pod to a pod of another cluster: no remote name',
      local: '10.0.1.30',
      remote: '10.0.1.99',
      expected: { ...web, ...none },
    },
    {
      name: 'a pod to the outside',
      local: '10.0.1.30',
      remote: '8.8.8.8',
      expected: { ...web, ...none },
    },
    {
      name: 'the only pod that shares its node’s addresses',
      local: '10.0.1.7',
      remote: '10.0.1.31',
      expected: { localPodName: 'proxy', localPodNamespace: 'shop', localServiceName: '', ...db },
    },
    {
      name: 'a pod of another cluster to a pod',
      local: '10.0.1.99',
      remote: '10.0.1.31',
      expected: { localPodName: 'far', ...none },
    },
  ])('$name', ({ local, remote, expected }) => {
    expect(names(local, remote)).toMatchObject(expected);
  });

  test('no pod is named where several share the addresses of their node', () => {
    const two = [...resources, pod('agent', '10.0.1.7', { hostNetwork: true })];
    expect(names('10.0.1.7', '8.8.8.8', two)).toBeUndefined();
  });

  test('a pod whose address no interface has is located at its node', () => {
    expect(view(resources).locate('100.64.0.9', vantage)).toMatchObject({
      instanceId: 'i-1',
      subnetId: 'subnet-1',
    });
  });
});

test('image, type and node pool come from EC2, then from Kubernetes, then from the agent', () => {
  const instance = { kind: 'instance', id: 'i-1', ...owner, imageId: 'ami-1' } as const;
  const node: Resource = {
    ...{ kind: 'kubernetes-node', id: 'blue/n1', clusterId: 'blue', name: 'n1' },
    ...{ instanceId: 'i-1', addresses: [], nodePool: 'spot' },
  };
  const reported = { imageId: 'ami-9', instanceType: 'm6a.large' };
  const book = new AddressBook({ claims: [], onAmbiguous: () => {} });
  const agents = new HostTraits({ perAccount: 9, total: 9 });
  const ref = (instanceId: string) => ({ account: owner.account, instanceId });
  for (const id of ['i-1', 'i-2']) agents.keep(ref(id), { ...reported, lastSeenSeconds: NOW });
  const topology = new TopologyView(snapshotOf(instance, node), book, agents);
  expect(topology.instance(ref('i-1'), NOW)).toEqual({
    imageId: 'ami-1',
    instanceType: 'm6a.large',
    nodePool: 'spot',
  });
  expect(topology.instance(ref('i-2'), NOW)).toEqual({ ...reported, nodePool: undefined });
  expect(topology.instance(ref('i-3'), NOW)).toEqual({});
});
