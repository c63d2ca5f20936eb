import { describe, expect, test } from 'vitest';
import { ec2ForTests, type Items, readResources, TARGET } from './testing.ts';

const members = { account: TARGET.account, region: TARGET.region };
const ec2 = ec2ForTests();

const resourcesOf = (items: Items) => readResources(ec2, items);

describe('resources that lead out of a network:', () => {
  test('gateways and endpoints in use', async () => {
    const endpoint = {
      vpcId: 'vpc-1',
      vpcEndpointType: 'Gateway',
      serviceName: 'com.amazonaws.us-east-1.s3',
      state: 'available',
      routeTableIdSet: ['rtb-1'],
    };
    const gone = { vpcId: 'vpc-1', subnetId: 'subnet-1', state: 'deleted' };
    expect(
      await resourcesOf({
        DescribeNatGateways: [{ ...gone, natGatewayId: 'nat-2' }],
        DescribeVpcEndpoints: [
          { ...endpoint, vpcEndpointId: 'vpce-1' },
          { ...endpoint, vpcEndpointId: 'vpce-2', state: 'deleted' },
        ],
        DescribeInternetGateways: [
          { internetGatewayId: 'igw-1', attachmentSet: [{ vpcId: 'vpc-1', state: 'available' }] },
        ],
        DescribeEgressOnlyInternetGateways: [
          {
            egressOnlyInternetGatewayId: 'eigw-1',
            attachmentSet: [{ vpcId: 'vpc-1', state: 'attached' }],
          },
        ],
      }),
    ).toEqual([
      {
        kind: 'vpc-endpoint',
        id: 'vpce-1',
        ...members,
        vpcId: 'vpc-1',
        endpointType: 'gateway',
        serviceName: 'com.amazonaws.us-east-1.s3',
        routeTableIds: ['rtb-1'],
      },
      { kind: 'internet-gateway', id: 'igw-1', ...members, vpcIds: ['vpc-1'] },
      { kind: 'internet-gateway', id: 'eigw-1', ...members, vpcIds: ['vpc-1'] },
    ]);
  });

  test('peerings in use, identical from both ends', async () => {
    const info = (ownerId: string, region: string, vpcId: string) => ({ ownerId, region, vpcId });
    const peering = {
      vpcPeeringConnectionId: 'pcx-1',
      status: { code: 'active' },
      requesterVpcInfo: info('111111111111', 'us-east-1', 'vpc-1'),
      accepterVpcInfo: info('222222222222', 'eu-west-1', 'vpc-2'),
    };
    const ended = {
      ...peering,
      vpcPeeringConnectionId: 'pcx-2',
      status: { code: 'deleted' },
    };
    expect(await resourcesOf({ DescribeVpcPeeringConnections: [peering, ended] })).toEqual([
      {
        kind: 'vpc-peering',
        id: 'pcx-1',
        requester: { account: '111111111111', region: 'us-east-1', vpcId: 'vpc-1' },
        accepter: { account: '222222222222', region: 'eu-west-1', vpcId: 'vpc-2' },
      },
    ]);
  });
});

describe('a route', () => {
  const route = (destinationCidrBlock: string, more: object) => ({
    destinationCidrBlock,
    state: 'active',
    ...more,
  });

  test.each([
    { name: 'within the network', more: { gatewayId: 'local' }, target: 'local', id: '' },
    { name: 'to an internet gateway', more: { gatewayId: 'igw-1' }, target: 'internet-gateway' },
    { name: 'to a NAT gateway', more: { natGatewayId: 'nat-1' }, target: 'nat-gateway' },
    {
      name: 'to a transit gateway',
      more: { transitGatewayId: 'tgw-1' },
      target: 'transit-gateway',
    },
    { name: 'to a peering', more: { vpcPeeringConnectionId: 'pcx-1' }, target: 'vpc-peering' },
    { name: 'to an inspecting endpoint', more: { gatewayId: 'vpce-1' }, target: 'vpc-endpoint' },
    {
      name: 'to an appliance',
      more: { networkInterfaceId: 'eni-1', instanceId: 'i-1' },
      target: 'network-interface',
      id: 'eni-1',
    },
    { name: 'to a VPN', more: { gatewayId: 'vgw-1' }, target: 'other' },
    { name: 'to a core network', more: { coreNetworkArn: 'arn:x' }, target: 'other' },
    {
      name: 'to a deleted target',
      more: { natGatewayId: 'nat-1', state: 'blackhole' },
      target: 'blackhole',
      id: '',
    },
  ])('$name', async ({ more, target: kind, id }) => {
    const routeSet = [route('10.9.0.0/16', more)];
    const [table] = await resourcesOf({
      DescribeRouteTables: [{ routeTableId: 'rtb-1', vpcId: 'vpc-1', routeSet }],
    });
    const targetId = id ?? Object.values(more)[0];
    expect(table).toMatchObject({
      kind: 'route-table',
      routes: [{ destination: '10.9.0.0/16', target: kind, targetId }],
    });
  });

  test('to a prefix list is expanded, except to one of a gateway endpoint', async () => {
    ec2.set(
      { ...TARGET, key: 'pl-1' },
      {
        GetManagedPrefixListEntries: [{ cidr: '10.1.0.0/16' }, { cidr: '10.2.0.0/16' }],
      },
    );
    const tables = [
      {
        routeTableId: 'rtb-1',
        vpcId: 'vpc-1',
        associationSet: [{ main: true }, { subnetId: 'subnet-1', main: false }],
        routeSet: [
          { destinationPrefixListId: 'pl-1', transitGatewayId: 'tgw-1', state: 'active' },
          { destinationPrefixListId: 'pl-s3', gatewayId: 'vpce-1', state: 'active' },
          {
            destinationIpv6CidrBlock: '::/0',
            egressOnlyInternetGatewayId: 'eigw-1',
            state: 'active',
          },
        ],
      },
    ];
    const to = { target: 'transit-gateway', targetId: 'tgw-1' };
    expect(await resourcesOf({ DescribeRouteTables: tables })).toEqual([
      {
        kind: 'route-table',
        id: 'rtb-1',
        ...members,
        vpcId: 'vpc-1',
        isMain: true,
        subnetIds: ['subnet-1'],
        routes: [
          { destination: '10.1.0.0/16', ...to },
          { destination: '10.2.0.0/16', ...to },
          { destination: '::/0', target: 'internet-gateway', targetId: 'eigw-1' },
        ],
      },
    ]);
    expect(ec2.count('GetManagedPrefixListEntries')).toBe(1);
  });
});
