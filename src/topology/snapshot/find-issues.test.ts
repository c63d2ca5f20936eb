import { describe, expect, test } from 'vitest';
import type { Resource, ResourceOf } from '../graph/resource.ts';
import { nic, snapshotOf, subnet, vpc } from '../testing.ts';

const owner = { account: '111111111111', region: 'us-east-1' };
const home = vpc('vpc-a', '10.0.0.0/16');
const near = subnet('subnet-1', 'vpc-a', '10.0.1.0/24');

function table(parts: Partial<ResourceOf<'route-table'>>): Resource {
  const base = { kind: 'route-table', id: 'rtb-1', ...owner, vpcId: 'vpc-a' } as const;
  return { ...base, isMain: true, subnetIds: [], routes: [], ...parts };
}

function issuesOf(...resources: readonly Resource[]): readonly string[] {
  return snapshotOf(...resources).issues.named.map(({ kind, message }) => `${kind}: ${message}`);
}

function whereIs(address: string, ...resources: readonly Resource[]) {
  return snapshotOf(...resources).here(address, {
    owner: { account: '111111111111', region: 'us-east-1' },
    vpcId: 'vpc-a',
    timeSeconds: 100,
  });
}

test('consistent resources have no issue', () => {
  expect(issuesOf(home, near, nic('eni-1', 'vpc-a', { subnetId: 'subnet-1' }))).toEqual([]);
});

test('overlapping subnets of one VPC are reported, and the longest prefix applies', () => {
  const wide = subnet('subnet-0', 'vpc-a', '10.0.0.0/20');
  const twin = subnet('subnet-2', 'vpc-a', '10.0.1.0/24');
  const all = [home, near, wide, twin];
  expect(issuesOf(...all)).toEqual([
    'overlapping-subnets: subnet-0 and subnet-1 overlap in vpc-a',
    'overlapping-subnets: subnet-0 and subnet-2 overlap in vpc-a',
    'overlapping-subnets: subnet-1 and subnet-2 overlap in vpc-a',
  ]);
  expect(whereIs('10.0.1.9', ...all)?.subnetId).toBe('subnet-1');
  expect(whereIs('10.0.2.9', ...all)?.subnetId).toBe('subnet-0');
});

test('equal prefixes of two VPCs are no overlap', () => {
  const other = subnet('subnet-2', 'vpc-b', '10.0.1.0/24');
  expect(issuesOf(home, near, vpc('vpc-b', '10.0.0.0/16'), other)).toEqual([]);
});

test('a subnet outside of its VPC is reported, and is used', () => {
  const far = subnet('subnet-2', 'vpc-a', '10.1.1.0/24');
  expect(issuesOf(home, far)).toEqual([
    'subnet-outside-network: subnet-2 (10.1.1.0/24) is outside of vpc-a',
  ]);
  expect(whereIs('10.1.1.9', home, far)?.subnetId).toBe('subnet-2');
});

test('an address of two interfaces is reported, and belongs to the one with the lowest id', () => {
  const one = nic('eni-1', 'vpc-a', {
    subnetId: 'subnet-1',
    addresses: ['10.0.1.7'],
    instanceId: 'i-1',
  });
  const two = nic('eni-2', 'vpc-a', {
    subnetId: 'subnet-1',
    addresses: ['10.0.1.7'],
    instanceId: 'i-2',
  });
  for (const order of [
    [one, two],
    [two, one],
  ]) {
    expect(issuesOf(home, near, ...order)).toEqual([
      'address-owned-twice: eni-1 and eni-2 have the same address in vpc-a',
    ]);
    expect(whereIs('10.0.1.7', home, near, ...order)?.instanceId).toBe('i-1');
  }
});

test('an unreadable address is reported and ignored', () => {
  expect(issuesOf(home, nic('eni-1', 'vpc-a', { addresses: ['10.0.1', '10.0.1.7'] }))).toEqual([
    'unreadable-address: eni-1: 10.0.1 is not an address or prefix',
  ]);
});

describe('a reference to a resource that no source describes is reported', () => {
  test.each<{ name: string; resource: Resource; target: string }>([
    {
      name: "a subnet's VPC",
      resource: subnet('subnet-2', 'vpc-z', '10.9.0.0/24'),
      target: 'vpc-z',
    },
    {
      name: "an interface's subnet",
      resource: nic('eni-1', 'vpc-a', { subnetId: 'subnet-9' }),
      target: 'subnet-9',
    },
    { name: "a table's subnet", resource: table({ subnetIds: ['subnet-9'] }), target: 'subnet-9' },
    {
      name: "a route's target",
      resource: table({
        routes: [{ destination: '0.0.0.0/0', target: 'nat-gateway', targetId: 'nat-9' }],
      }),
      target: 'nat-9',
    },
  ])('$name', ({ resource, target }) => {
    expect(issuesOf(home, resource)).toEqual([
      `dangling-reference: ${resource.id} refers to ${target}, which no source describes`,
    ]);
  });
});

describe('transit gateways that peer in a circle', () => {
  const gateway = (n: number): Resource[] => [
    { kind: 'transit-gateway', id: `tgw-${n}`, ...owner },
    {
      kind: 'transit-gateway-route-table',
      id: `tgw-rtb-${n}`,
      ...owner,
      transitGatewayId: `tgw-${n}`,
      associations: ['tgw-attach-a', 'tgw-attach-b', 'tgw-attach-c'],
      routes: [{ destination: '10.99.0.0/16', attachmentId: `tgw-attach-${'abc'[n - 1]}` }],
    },
  ];
  const peering = (id: string, one: number, other: number): Resource => ({
    kind: 'transit-gateway-peering',
    id: `tgw-attach-${id}`,
    requester: { ...owner, transitGatewayId: `tgw-${one}` },
    accepter: { ...owner, transitGatewayId: `tgw-${other}` },
  });
  const circle = [
    ...[1, 2, 3].flatMap(gateway),
    peering('a', 1, 2),
    peering('b', 2, 3),
    peering('c', 3, 1),
  ];
  const attached: Resource[] = [
    home,
    {
      kind: 'transit-gateway-attachment',
      id: 'tgw-attach-vpc',
      ...owner,
      transitGatewayId: 'tgw-1',
      attached: 'vpc',
      attachedId: 'vpc-a',
    },
    table({
      routes: [{ destination: '10.0.0.0/8', target: 'transit-gateway', targetId: 'tgw-1' }],
    }),
  ];

  test('are reported once, if their routes form the circle too', () => {
    expect(issuesOf(...circle)).toEqual([
      'routes-in-a-circle: tgw-rtb-1, tgw-rtb-2, tgw-rtb-3 route 10.99.0.0/16 in a circle',
    ]);
  });

  test('end the route at a table it has visited', () => {
    const [first = home, table, ...rest] = circle;
    const associated = { ...table, associations: ['tgw-attach-vpc', 'tgw-attach-c'] } as Resource;
    const snapshot = snapshotOf(first, associated, ...rest, ...attached);
    const end = { ...owner, vpcId: 'vpc-a', subnetId: '', az: '', instanceId: '' };
    const from = { ...end, address: '10.0.1.7' };
    const { constructs } = snapshot.pathOf(from, { ...end, vpcId: '', address: '10.99.0.1' }, 100);
    expect(constructs.map(({ componentId }) => componentId)).toEqual([
      'tgw-attach-vpc',
      'tgw-1',
      'tgw-attach-a',
      'tgw-2',
      'tgw-attach-b',
      'tgw-3',
      'tgw-attach-c',
      'tgw-1',
    ]);
  });
});
