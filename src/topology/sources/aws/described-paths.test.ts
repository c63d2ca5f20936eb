import { beforeAll, expect, test } from 'vitest';
import type { GraphSnapshot } from '../../snapshot/graph-snapshot.ts';
import { snapshotOf } from '../../testing.ts';
import { ec2ForTests, readResources, TARGET } from './testing.ts';

/** Lookups and routes in two networks as EC2 describes them, to test that ids join their parts. */
const ec2 = ec2ForTests();
let snapshot: GraphSnapshot;

const NOW = 1_800_000_000;
const available = { state: 'available' };

const networkInterface = (id: string, address: string, more: object) => ({
  networkInterfaceId: id,
  vpcId: 'vpc-1',
  subnetId: 'subnet-app',
  ownerId: TARGET.account,
  privateIpAddressesSet: [{ privateIpAddress: address, primary: true }],
  ...more,
});
const ofInstance = (instanceId: string) => ({ attachment: { instanceId } });
const instance = (instanceId: string, vpcId: string, subnetId: string) => ({
  instancesSet: [{ instanceId, vpcId, subnetId, instanceState: { name: 'running' } }],
});
const subnet = (subnetId: string, cidrBlock: string, vpcId = 'vpc-1') => ({
  subnetId,
  vpcId,
  cidrBlock,
  availabilityZoneId: 'use1-az1',
});
const route = (destinationCidrBlock: string, via: object) => ({
  destinationCidrBlock,
  state: 'active',
  ...via,
});
const attachment = (id: string, vpcId: string) => ({
  ...available,
  transitGatewayAttachmentId: id,
  transitGatewayId: 'tgw-1',
  resourceOwnerId: TARGET.account,
  resourceType: 'vpc',
  resourceId: vpcId,
  association: { transitGatewayRouteTableId: 'tgw-rtb-1' },
});

const published = (prefix: string, region: string) => ({
  kind: 'service-prefix' as const,
  id: `S3 ${region} ${prefix}`,
  prefix,
  service: 'S3',
  region,
  networkBorderGroup: region,
});

beforeAll(async () => {
  ec2.clear();
  const transitRoute = (destinationCidrBlock: string, transitGatewayAttachmentId: string) =>
    route(destinationCidrBlock, {
      transitGatewayAttachments: [{ transitGatewayAttachmentId }],
    });
  ec2.set(
    { ...TARGET, key: 'tgw-rtb-1' },
    {
      SearchTransitGatewayRoutes: [
        transitRoute('10.1.0.0/16', 'tgw-attach-1'),
        transitRoute('10.2.0.0/16', 'tgw-attach-2'),
      ],
    },
  );
  const resources = await readResources(ec2, {
    DescribeVpcs: [
      { vpcId: 'vpc-1', cidrBlock: '10.1.0.0/16' },
      { vpcId: 'vpc-2', cidrBlock: '10.2.0.0/16' },
    ],
    DescribeSubnets: [
      subnet('subnet-app', '10.1.1.0/24'),
      subnet('subnet-public', '10.1.9.0/24'),
      subnet('subnet-far', '10.2.1.0/24', 'vpc-2'),
    ],
    DescribeInstances: [
      instance('i-app', 'vpc-1', 'subnet-app'),
      instance('i-far', 'vpc-2', 'subnet-far'),
    ],
    DescribeNetworkInterfaces: [
      networkInterface('eni-app', '10.1.1.7', ofInstance('i-app')),
      networkInterface('eni-far', '10.2.1.7', {
        ...ofInstance('i-far'),
        vpcId: 'vpc-2',
        subnetId: 'subnet-far',
      }),
      networkInterface('eni-nat', '10.1.9.1', { subnetId: 'subnet-public' }),
      networkInterface('eni-logs', '10.1.1.50', {}),
      networkInterface('eni-web', '10.1.1.60', {
        description: 'ELB app/web/50dc',
        requesterManaged: true,
      }),
    ],
    DescribeNatGateways: [
      {
        ...available,
        natGatewayId: 'nat-1',
        vpcId: 'vpc-1',
        subnetId: 'subnet-public',
        natGatewayAddressSet: [
          { networkInterfaceId: 'eni-nat', privateIp: '10.1.9.1', publicIp: '198.51.100.9' },
        ],
      },
    ],
    DescribeInternetGateways: [{ internetGatewayId: 'igw-1', attachmentSet: [{ vpcId: 'vpc-1' }] }],
    DescribeVpcEndpoints: [
      {
        ...available,
        vpcEndpointId: 'vpce-logs',
        vpcId: 'vpc-1',
        vpcEndpointType: 'Interface',
        serviceName: 'com.amazonaws.us-east-1.logs',
        networkInterfaceIdSet: ['eni-logs'],
      },
      {
        ...available,
        vpcEndpointId: 'vpce-s3',
        vpcId: 'vpc-1',
        vpcEndpointType: 'Gateway',
        serviceName: 'com.amazonaws.us-east-1.s3',
        routeTableIdSet: ['rtb-main'],
      },
    ],
    DescribeRouteTables: [
      {
        routeTableId: 'rtb-main',
        vpcId: 'vpc-1',
        associationSet: [{ main: true }],
        routeSet: [
          route('10.1.0.0/16', { gatewayId: 'local' }),
          route('10.2.0.0/16', { transitGatewayId: 'tgw-1' }),
          route('0.0.0.0/0', { natGatewayId: 'nat-1' }),
        ],
      },
      {
        routeTableId: 'rtb-public',
        vpcId: 'vpc-1',
        associationSet: [{ subnetId: 'subnet-public', main: false }],
        routeSet: [route('0.0.0.0/0', { gatewayId: 'igw-1' })],
      },
    ],
    DescribeTransitGateways: [{ ...available, transitGatewayId: 'tgw-1', ownerId: TARGET.account }],
    DescribeTransitGatewayAttachments: [
      attachment('tgw-attach-1', 'vpc-1'),
      attachment('tgw-attach-2', 'vpc-2'),
    ],
    DescribeTransitGatewayRouteTables: [
      { ...available, transitGatewayRouteTableId: 'tgw-rtb-1', transitGatewayId: 'tgw-1' },
    ],
  });
  const prefixes = [
    published('192.0.2.0/24', 'us-east-1'),
    published('198.51.100.128/25', 'eu-west-1'),
  ];
  snapshot = snapshotOf(...resources, ...prefixes);
});

test.each([
  {
    name: 'another network, through the transit gateway',
    address: '10.2.1.7',
    through: ['tgw-attach-1', 'tgw-1', 'tgw-attach-2', 'eni-far', 'i-far'],
  },
  { name: 'a load balancer', address: '10.1.1.60', through: ['eni-web', 'app/web/50dc'] },
  {
    name: 'a service by its interface endpoint',
    address: '10.1.1.50',
    through: ['eni-logs', 'vpce-logs', 'Amazon CloudWatch Logs'],
  },
  {
    name: 'S3 of its own Region, by the gateway endpoint',
    address: '192.0.2.7',
    through: ['vpce-s3', 'Amazon S3'],
  },
  {
    name: 'S3 of another Region, which the gateway endpoint does not serve',
    address: '198.51.100.130',
    through: ['nat-1', 'igw-1', 'Amazon S3'],
    snatAddress: '198.51.100.9',
  },
  {
    name: 'the internet, by a NAT gateway that translates the address',
    address: '203.0.113.7',
    through: ['nat-1', 'igw-1'],
    snatAddress: '198.51.100.9',
  },
])('the route to $name', ({ address, through, snatAddress = '' }) => {
  const from = { ...TARGET, vpcId: 'vpc-1', subnetId: '', az: '', instanceId: 'i-app' };
  const to = { ...TARGET, vpcId: '', subnetId: '', az: '', instanceId: '', address };
  const path = snapshot.pathOf({ ...from, address: '10.1.1.7' }, to, NOW);
  const passed = path.constructs.map(({ componentId, serviceName }) => componentId ?? serviceName);
  expect(passed).toEqual(['i-app', 'eni-app', ...through]);
  expect(path.snatAddress).toBe(snatAddress);
});

test('the described resources have no issue', () => {
  expect(snapshot.issues.named).toEqual([]);
});
