import type {
  TransitGatewayRoute as Ec2Route,
  TransitGateway,
  TransitGatewayAttachment,
  TransitGatewayPeeringAttachment,
  TransitGatewayRouteTable,
} from '@aws-sdk/client-ec2';
import type { Owner } from '../../../model/owner.ts';
import type {
  PeeredTransitGateway,
  TransitGatewayAttachmentResource,
  TransitGatewayPeeringResource,
  TransitGatewayResource,
  TransitGatewayRoute,
  TransitGatewayRouteTableResource,
} from '../../graph/resource.ts';
import { owned } from './network-resources.ts';

export function transitGatewayResource(
  target: Owner,
  gateway: TransitGateway,
): TransitGatewayResource | undefined {
  const { TransitGatewayId: id, OwnerId: ownerId, State: state } = gateway;
  if (id === undefined || state === 'deleted') return undefined;
  return { kind: 'transit-gateway', ...owned(target, { id, ownerId }, gateway.Tags) };
}

const ATTACHED: Readonly<Record<string, TransitGatewayAttachmentResource['attached']>> = {
  vpc: 'vpc',
  vpn: 'vpn',
  'vpn-concentrator': 'vpn',
  'direct-connect-gateway': 'direct-connect',
  connect: 'connect',
};

/** @param subnetIds the subnets of VPC attachments, by attachment id */
export function attachmentResource(
  target: Owner,
  attachment: TransitGatewayAttachment,
  subnetIds: ReadonlyMap<string, readonly string[]>,
): TransitGatewayAttachmentResource | undefined {
  const { TransitGatewayAttachmentId: id, TransitGatewayId: transitGatewayId } = attachment;
  const attached = ATTACHED[attachment.ResourceType ?? ''];
  if (id === undefined || transitGatewayId === undefined || attached === undefined)
    return undefined;
  if (attachment.State !== 'available') return undefined;
  return {
    kind: 'transit-gateway-attachment',
    ...owned(target, { id, ownerId: attachment.ResourceOwnerId }, attachment.Tags),
    transitGatewayId,
    attached,
    attachedId: attachment.ResourceId ?? '',
    subnetIds: subnetIds.get(id),
  };
}

/**
 * The associations come with the attachments, which saves one call per table. `routes` are the
 * active and blackhole routes, both static and propagated.
 */
export function transitRouteTableResource(
  target: Owner,
  table: TransitGatewayRouteTable,
  parts: {
    readonly attachments: readonly TransitGatewayAttachment[];
    readonly routes: readonly Ec2Route[];
  },
): TransitGatewayRouteTableResource | undefined {
  const { TransitGatewayRouteTableId: id, TransitGatewayId: transitGatewayId } = table;
  if (id === undefined || transitGatewayId === undefined) return undefined;
  const associations = parts.attachments
    .filter(({ Association: association }) => association?.TransitGatewayRouteTableId === id)
    .flatMap(({ TransitGatewayAttachmentId: attachmentId }) => attachmentId ?? []);
  return {
    kind: 'transit-gateway-route-table',
    ...owned(target, { id }, table.Tags),
    transitGatewayId,
    associations,
    routes: parts.routes.flatMap(transitRoutes),
  };
}

/** One route for each attachment; several attachments are equal-cost paths. */
function transitRoutes(route: Ec2Route): TransitGatewayRoute[] {
  const { DestinationCidrBlock: destination, State: state } = route;
  if (destination === undefined) return [];
  if (state === 'blackhole') return [{ destination, attachmentId: '' }];
  return (route.TransitGatewayAttachments ?? []).flatMap(({ TransitGatewayAttachmentId: id }) =>
    id === undefined ? [] : [{ destination, attachmentId: id }],
  );
}

export function transitPeeringResource(
  peering: TransitGatewayPeeringAttachment,
): TransitGatewayPeeringResource | undefined {
  const { TransitGatewayAttachmentId: id, State: state } = peering;
  const requester = peeredGateway(peering.RequesterTgwInfo);
  const accepter = peeredGateway(peering.AccepterTgwInfo);
  if (id === undefined || requester === undefined || accepter === undefined) return undefined;
  if (state !== 'available') return undefined;
  const name = peering.Tags?.find(({ Key: key }) => key === 'Name')?.Value;
  return { kind: 'transit-gateway-peering', id, name, requester, accepter };
}

function peeredGateway(
  info: TransitGatewayPeeringAttachment['RequesterTgwInfo'],
): PeeredTransitGateway | undefined {
  const { OwnerId: account, Region: region, TransitGatewayId: transitGatewayId } = info ?? {};
  if (account === undefined || region === undefined || transitGatewayId === undefined) {
    return undefined;
  }
  return { account, region, transitGatewayId };
}
