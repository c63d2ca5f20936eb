import type {
  Route as Ec2Route,
  EgressOnlyInternetGateway,
  InternetGateway,
  NatGateway,
  RouteTable,
  VpcEndpoint,
  VpcPeeringConnection,
} from '@aws-sdk/client-ec2';
import type { Owner } from '../../../model/owner.ts';
import type {
  InternetGatewayResource,
  NatGatewayResource,
  PeeredVpc,
  RouteEntry,
  RouteTableResource,
  RouteTargetKind,
  VpcEndpointResource,
  VpcPeeringResource,
} from '../../graph/resource.ts';
import { owned } from './network-resources.ts';

/** @param prefixLists the prefixes of each list that `customerPrefixLists` returns */
export function routeTableResource(
  target: Owner,
  table: RouteTable,
  prefixLists: ReadonlyMap<string, readonly string[]>,
): RouteTableResource | undefined {
  const {
    RouteTableId: id,
    VpcId: vpcId,
    OwnerId: ownerId,
    Associations: associations = [],
  } = table;
  if (id === undefined || vpcId === undefined) return undefined;
  return {
    kind: 'route-table',
    ...owned(target, { id, ownerId }, table.Tags),
    vpcId,
    isMain: associations.some(({ Main: isMain }) => isMain === true),
    subnetIds: associations.flatMap(({ SubnetId: subnetId }) => subnetId ?? []),
    routes: (table.Routes ?? []).flatMap((route) => routesOf(route, prefixLists)),
  };
}

/** The prefix lists to expand. A list routed to a gateway endpoint belongs to the AWS service. */
export function customerPrefixLists(table: RouteTable): string[] {
  return (table.Routes ?? [])
    .filter(({ GatewayId: gateway = '' }) => !gateway.startsWith('vpce-'))
    .flatMap(({ DestinationPrefixListId: list }) => list ?? []);
}

function routesOf(
  route: Ec2Route,
  prefixLists: ReadonlyMap<string, readonly string[]>,
): readonly RouteEntry[] {
  const list = route.DestinationPrefixListId;
  const own = route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock;
  const destinations = own === undefined ? (prefixLists.get(list ?? '') ?? []) : [own];
  const [target, targetId] = route.State === 'blackhole' ? BLACKHOLE : routeTarget(route);
  return destinations.map((destination) => ({ destination, target, targetId }));
}

type Target = readonly [kind: RouteTargetKind, id: string];

const BLACKHOLE: Target = ['blackhole', ''];

function routeTarget(route: Ec2Route): Target {
  const gateway = route.GatewayId ?? '';
  if (gateway === 'local') return ['local', ''];
  if (gateway.startsWith('igw-')) return ['internet-gateway', gateway];
  if (gateway.startsWith('vpce-')) return ['vpc-endpoint', gateway];
  const candidates: readonly (readonly [RouteTargetKind, string | undefined])[] = [
    ['nat-gateway', route.NatGatewayId],
    ['transit-gateway', route.TransitGatewayId],
    ['vpc-peering', route.VpcPeeringConnectionId],
    ['internet-gateway', route.EgressOnlyInternetGatewayId],
    ['network-interface', route.NetworkInterfaceId],
    ['other', route.LocalGatewayId ?? route.CarrierGatewayId ?? route.CoreNetworkArn],
  ];
  for (const [kind, id] of candidates) if (id !== undefined) return [kind, id];
  return ['other', gateway];
}

export function internetGatewayResource(
  target: Owner,
  gateway: InternetGateway,
): InternetGatewayResource | undefined {
  const { InternetGatewayId: id, OwnerId: ownerId, Attachments: attachments = [] } = gateway;
  if (id === undefined) return undefined;
  const vpcIds = attachments.flatMap(({ VpcId: vpcId }) => vpcId ?? []);
  return { kind: 'internet-gateway', ...owned(target, { id, ownerId }, gateway.Tags), vpcIds };
}

export function egressOnlyGatewayResource(
  target: Owner,
  gateway: EgressOnlyInternetGateway,
): InternetGatewayResource | undefined {
  const { EgressOnlyInternetGatewayId: id, Attachments: attachments = [] } = gateway;
  if (id === undefined) return undefined;
  const vpcIds = attachments.flatMap(({ VpcId: vpcId }) => vpcId ?? []);
  return { kind: 'internet-gateway', ...owned(target, { id }, gateway.Tags), vpcIds };
}

/** EC2 lists a deleted gateway for about an hour. */
export function natGatewayResource(
  target: Owner,
  gateway: NatGateway,
): NatGatewayResource | undefined {
  const { NatGatewayId: id, VpcId: vpcId, State: state } = gateway;
  if (id === undefined || vpcId === undefined || state !== 'available') return undefined;
  const addresses = gateway.NatGatewayAddresses ?? [];
  return {
    kind: 'nat-gateway',
    ...owned(target, { id }, gateway.Tags),
    vpcId,
    // A regional NAT gateway is in no subnet.
    subnetId: gateway.SubnetId ?? '',
    privateAddresses: addresses.flatMap(({ PrivateIp: address }) => address ?? []),
    publicAddresses: addresses.flatMap(({ PublicIp: address }) => address ?? []),
  };
}

/** Pairs of interface and NAT gateway, for the interfaces that the gateway lists. */
export function natGatewayInterfaces(gateway: NatGateway): (readonly [string, string])[] {
  return (gateway.NatGatewayAddresses ?? []).flatMap(({ NetworkInterfaceId: id }) =>
    id === undefined || gateway.NatGatewayId === undefined ? [] : [[id, gateway.NatGatewayId]],
  );
}

/** Gateway Load Balancer endpoints have interfaces, so they are read as interface endpoints. */
export function endpointResource(
  target: Owner,
  endpoint: VpcEndpoint,
): VpcEndpointResource | undefined {
  const { VpcEndpointId: id, VpcId: vpcId, ServiceName: serviceName, OwnerId: ownerId } = endpoint;
  // EC2 writes the state as "available" and as "Available".
  const isThere = endpoint.State?.toLowerCase() === 'available';
  if (id === undefined || vpcId === undefined || serviceName === undefined || !isThere) {
    return undefined;
  }
  const members = owned(target, { id, ownerId }, endpoint.Tags);
  const place = { kind: 'vpc-endpoint', ...members, vpcId, serviceName } as const;
  return endpoint.VpcEndpointType === 'Gateway'
    ? { ...place, endpointType: 'gateway', routeTableIds: endpoint.RouteTableIds ?? [] }
    : { ...place, endpointType: 'interface', interfaceIds: endpoint.NetworkInterfaceIds ?? [] };
}

export function peeringResource(
  target: Owner,
  peering: VpcPeeringConnection,
): VpcPeeringResource | undefined {
  const { VpcPeeringConnectionId: id, Status: status } = peering;
  const requester = peeredVpc(target, peering.RequesterVpcInfo);
  const accepter = peeredVpc(target, peering.AccepterVpcInfo);
  if (id === undefined || requester === undefined || accepter === undefined) return undefined;
  if (status?.Code !== 'active') return undefined;
  const name = peering.Tags?.find(({ Key: key }) => key === 'Name')?.Value;
  return { kind: 'vpc-peering', id, name, requester, accepter };
}

function peeredVpc(
  target: Owner,
  vpc: VpcPeeringConnection['RequesterVpcInfo'],
): PeeredVpc | undefined {
  if (vpc?.VpcId === undefined) return undefined;
  const { OwnerId: account = target.account, Region: region = target.region } = vpc;
  return { account, region, vpcId: vpc.VpcId };
}
