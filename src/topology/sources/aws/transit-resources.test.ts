import { expect, test } from 'vitest';
import { ec2ForTests, type Items, readResources, TARGET } from './testing.ts';

const members = { account: TARGET.account, region: TARGET.region };
const ec2 = ec2ForTests();

const resourcesOf = (items: Items) => readResources(ec2, items);

test('a transit gateway with its attachments, peerings, and route tables', async () => {
  const inUse = { transitGatewayId: 'tgw-1', state: 'available' };
  const association = { transitGatewayRouteTableId: 'tgw-rtb-1', state: 'associated' };
  ec2.set(
    { ...TARGET, key: 'tgw-rtb-1' },
    {
      SearchTransitGatewayRoutes: [
        {
          destinationCidrBlock: '10.1.0.0/16',
          state: 'active',
          transitGatewayAttachments: [{ transitGatewayAttachmentId: 'tgw-attach-1' }],
        },
        { destinationCidrBlock: '10.9.0.0/16', state: 'blackhole' },
      ],
    },
  );
  const peer = (transitGatewayId: string, region: string) => ({
    transitGatewayId,
    region,
    ownerId: TARGET.account,
  });
  const found = await resourcesOf({
    DescribeTransitGateways: [{ ...inUse, ownerId: TARGET.account }],
    DescribeTransitGatewayVpcAttachments: [
      { transitGatewayAttachmentId: 'tgw-attach-1', subnetIds: ['subnet-1'] },
    ],
    DescribeTransitGatewayAttachments: [
      {
        ...inUse,
        transitGatewayAttachmentId: 'tgw-attach-1',
        resourceOwnerId: '222222222222',
        resourceType: 'vpc',
        resourceId: 'vpc-1',
        association,
      },
      {
        ...inUse,
        transitGatewayAttachmentId: 'tgw-attach-2',
        resourceType: 'peering',
        association,
      },
    ],
    DescribeTransitGatewayPeeringAttachments: [
      {
        transitGatewayAttachmentId: 'tgw-attach-2',
        state: 'available',
        requesterTgwInfo: peer('tgw-1', 'us-east-1'),
        accepterTgwInfo: peer('tgw-2', 'eu-west-1'),
      },
    ],
    DescribeTransitGatewayRouteTables: [{ ...inUse, transitGatewayRouteTableId: 'tgw-rtb-1' }],
  });
  const gateway = (transitGatewayId: string, region: string) => ({
    account: TARGET.account,
    region,
    transitGatewayId,
  });
  expect(found).toEqual([
    { kind: 'transit-gateway', id: 'tgw-1', ...members },
    {
      kind: 'transit-gateway-attachment',
      id: 'tgw-attach-1',
      ...members,
      account: '222222222222',
      transitGatewayId: 'tgw-1',
      attached: 'vpc',
      attachedId: 'vpc-1',
      subnetIds: ['subnet-1'],
    },
    {
      kind: 'transit-gateway-peering',
      id: 'tgw-attach-2',
      requester: gateway('tgw-1', 'us-east-1'),
      accepter: gateway('tgw-2', 'eu-west-1'),
    },
    {
      kind: 'transit-gateway-route-table',
      id: 'tgw-rtb-1',
      ...members,
      transitGatewayId: 'tgw-1',
      associations: ['tgw-attach-1', 'tgw-attach-2'],
      routes: [
        { destination: '10.1.0.0/16', attachmentId: 'tgw-attach-1' },
        { destination: '10.9.0.0/16', attachmentId: '' },
      ],
    },
  ]);
});
