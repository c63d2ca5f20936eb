import { describe, expect, test } from 'vitest';
import { ec2ForTests, type Items, readResources, TARGET } from './testing.ts';

const members = { account: TARGET.account, region: TARGET.region };
const associated = { state: 'associated' };
const tagSet = [
  { key: 'Name', value: 'web' },
  { key: 'team', value: 'a & b' },
];
const tags = { team: 'a & b' };
const ec2 = ec2ForTests();

const resourcesOf = (items: Items) => readResources(ec2, items);

describe('resources of a network:', () => {
  test('zones, with local ones and those not opted in to', async () => {
    const zone = (zoneId: string, zoneName: string, zoneType: string) => ({
      zoneId,
      zoneName,
      zoneType,
      regionName: 'us-east-1',
    });
    const availabilityZoneInfo = [
      zone('use1-az1', 'us-east-1a', 'availability-zone'),
      zone('use1-bos1-az1', 'us-east-1-bos-1a', 'local-zone'),
    ];
    const base = { kind: 'zone', region: 'us-east-1' };
    expect(await resourcesOf({ DescribeAvailabilityZones: availabilityZoneInfo })).toEqual([
      { ...base, id: 'use1-az1', name: 'us-east-1a', zoneType: 'availability' },
      { ...base, id: 'use1-bos1-az1', name: 'us-east-1-bos-1a', zoneType: 'local' },
    ]);
    const asked = ec2.requests.find(({ action }) => action === 'DescribeAvailabilityZones');
    expect(asked?.parameters.get('AllAvailabilityZones')).toBe('true');
  });

  test('networks with all their prefixes, and subnets with their zone', async () => {
    const vpc = {
      vpcId: 'vpc-1',
      ownerId: TARGET.account,
      cidrBlock: '10.0.0.0/16',
      cidrBlockAssociationSet: [
        { cidrBlock: '10.0.0.0/16', cidrBlockState: associated },
        { cidrBlock: '10.1.0.0/16', cidrBlockState: associated },
        { cidrBlock: '10.2.0.0/16', cidrBlockState: { state: 'disassociated' } },
      ],
      ipv6CidrBlockAssociationSet: [
        { ipv6CidrBlock: '2600:1f18::/56', ipv6CidrBlockState: associated },
      ],
      tagSet,
    };
    const subnet = {
      subnetId: 'subnet-1',
      vpcId: 'vpc-1',
      ownerId: '222222222222',
      cidrBlock: '10.0.1.0/24',
      availabilityZoneId: 'use1-az1',
    };
    expect(await resourcesOf({ DescribeVpcs: [vpc], DescribeSubnets: [subnet] })).toEqual([
      {
        kind: 'vpc',
        id: 'vpc-1',
        name: 'web',
        ...members,
        tags,
        cidrs: ['10.0.0.0/16', '10.1.0.0/16', '2600:1f18::/56'],
      },
      {
        kind: 'subnet',
        id: 'subnet-1',
        ...members,
        // In a network that another account shares.
        account: '222222222222',
        vpcId: 'vpc-1',
        cidrs: ['10.0.1.0/24'],
        zoneId: 'use1-az1',
      },
    ]);
  });

  test('instances that are not terminated, with zone and node pool', async () => {
    const instance = {
      instanceId: 'i-1',
      vpcId: 'vpc-1',
      subnetId: 'subnet-1',
      instanceType: 'm7g.large',
      imageId: 'ami-1',
      instanceState: { code: 16, name: 'running' },
      placement: { availabilityZone: 'us-east-1a' },
      tagSet: [{ key: 'eks:nodegroup-name', value: 'blue' }],
    };
    const gone = { ...instance, instanceId: 'i-2', instanceState: { name: 'terminated' } };
    const zone = { zoneId: 'use1-az1', zoneName: 'us-east-1a', zoneType: 'availability-zone' };
    const found = await resourcesOf({
      DescribeAvailabilityZones: [zone],
      DescribeInstances: [{ reservationId: 'r-1', instancesSet: [instance, gone] }],
    });
    expect(found.filter(({ kind }) => kind === 'instance')).toEqual([
      {
        kind: 'instance',
        id: 'i-1',
        ...members,
        tags: { 'eks:nodegroup-name': 'blue' },
        vpcId: 'vpc-1',
        subnetId: 'subnet-1',
        zoneId: 'use1-az1',
        instanceType: 'm7g.large',
        imageId: 'ami-1',
        nodePool: 'blue',
      },
    ]);
  });

  test('interfaces with addresses, primary first, and their owners', async () => {
    const networkInterface = (networkInterfaceId: string, more: object) => ({
      networkInterfaceId,
      vpcId: 'vpc-1',
      subnetId: 'subnet-1',
      ownerId: TARGET.account,
      privateIpAddressesSet: [{ privateIpAddress: '10.0.1.9', primary: true }],
      ...more,
    });
    const found = await resourcesOf({
      DescribeNetworkInterfaces: [
        networkInterface('eni-1', {
          attachment: { instanceId: 'i-1', deviceIndex: 0 },
          privateIpAddressesSet: [
            { privateIpAddress: '10.0.1.8', primary: false },
            {
              privateIpAddress: '10.0.1.7',
              primary: true,
              association: { publicIp: '198.51.100.7' },
            },
          ],
          ipv6AddressesSet: [{ ipv6Address: '2600:1f18::7' }],
          ipv4PrefixSet: [{ ipv4Prefix: '10.0.1.16/28' }],
        }),
        networkInterface('eni-nat', { interfaceType: 'nat_gateway' }),
        networkInterface('eni-vpce', { interfaceType: 'vpc_endpoint' }),
        networkInterface('eni-tgw', {
          description: 'Network Interface for Transit Gateway Attachment tgw-attach-1',
        }),
        networkInterface('eni-alb', { description: 'ELB app/web/50dc', requesterManaged: true }),
        networkInterface('eni-elb', { description: 'ELB old', requesterManaged: true }),
        networkInterface('eni-fake', { description: 'ELB mine' }),
      ],
      DescribeNatGateways: [
        {
          natGatewayId: 'nat-1',
          vpcId: 'vpc-1',
          subnetId: 'subnet-1',
          state: 'available',
          natGatewayAddressSet: [
            { networkInterfaceId: 'eni-nat', privateIp: '10.0.1.9', publicIp: '198.51.100.9' },
          ],
        },
      ],
      DescribeVpcEndpoints: [
        {
          vpcEndpointId: 'vpce-1',
          vpcId: 'vpc-1',
          vpcEndpointType: 'Interface',
          serviceName: 'com.amazonaws.us-east-1.logs',
          state: 'available',
          networkInterfaceIdSet: ['eni-vpce'],
        },
      ],
    });
    const interfaces = found.filter(({ kind }) => kind === 'network-interface');
    expect(interfaces[0]).toEqual({
      kind: 'network-interface',
      id: 'eni-1',
      ...members,
      vpcId: 'vpc-1',
      subnetId: 'subnet-1',
      addresses: ['10.0.1.7', '10.0.1.8', '2600:1f18::7'],
      prefixes: ['10.0.1.16/28'],
      publicAddresses: ['198.51.100.7'],
      instanceId: 'i-1',
    });
    expect(interfaces.map((one) => [one.id, 'ownerId' in one ? one.ownerId : ''])).toEqual([
      ['eni-1', undefined],
      ['eni-nat', 'nat-1'],
      ['eni-vpce', 'vpce-1'],
      ['eni-tgw', 'tgw-attach-1'],
      ['eni-alb', 'app/web/50dc'],
      ['eni-elb', 'old'],
      ['eni-fake', 'mine'],
    ]);
    const balancer = { kind: 'load-balancer', ...members, vpcId: 'vpc-1' };
    expect(found.filter(({ kind }) => kind === 'load-balancer')).toEqual([
      { ...balancer, id: 'app/web/50dc', name: 'web', balancerType: 'application' },
      { ...balancer, id: 'old', name: 'old', balancerType: 'classic' },
    ]);
    expect(found.filter(({ kind }) => kind === 'nat-gateway')).toEqual([
      {
        kind: 'nat-gateway',
        id: 'nat-1',
        ...members,
        vpcId: 'vpc-1',
        subnetId: 'subnet-1',
        privateAddresses: ['10.0.1.9'],
        publicAddresses: ['198.51.100.9'],
      },
    ]);
  });
});
