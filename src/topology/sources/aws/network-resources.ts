import type {
  AvailabilityZone,
  Instance,
  NetworkInterface,
  Subnet,
  Tag,
  Vpc,
} from '@aws-sdk/client-ec2';
import type { Owner } from '../../../model/owner.ts';
import type {
  InstanceResource,
  LoadBalancerResource,
  NetworkInterfaceResource,
  SubnetResource,
  VpcResource,
  ZoneResource,
} from '../../graph/resource.ts';

/**
 * The members of every resource of an account. In a shared network, `ownerId` is another account.
 */
export function owned(
  target: Owner,
  thing: { readonly id: string; readonly ownerId?: string | undefined },
  tags: readonly Tag[] | undefined,
) {
  const { account, region } = target;
  const named = Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
  const { Name: name, ...rest } = named;
  // EC2 shows the tags of a shared resource only to its owner, so no tags here means unknown.
  const isSeen = tags !== undefined && tags.length > 0;
  return {
    id: thing.id,
    name,
    account: thing.ownerId ?? account,
    region,
    ...(isSeen && { tags: rest }),
  };
}

export function zoneResource(zone: AvailabilityZone): ZoneResource | undefined {
  const { ZoneId: id, ZoneName: name, RegionName: region = '', ZoneType: type } = zone;
  if (id === undefined) return undefined;
  // A wavelength zone is outside of the Region's availability zones, like a local zone.
  const zoneType = type === 'availability-zone' ? 'availability' : 'local';
  return { kind: 'zone', id, name, region, zoneType };
}

export function vpcResource(target: Owner, vpc: Vpc): VpcResource | undefined {
  const { VpcId: id, OwnerId: ownerId, CidrBlock: first } = vpc;
  if (id === undefined) return undefined;
  const v4 = (vpc.CidrBlockAssociationSet ?? [])
    .filter(({ CidrBlockState: state }) => state?.State === 'associated')
    .flatMap(({ CidrBlock: cidr }) => cidr ?? []);
  const v6 = (vpc.Ipv6CidrBlockAssociationSet ?? [])
    .filter(({ Ipv6CidrBlockState: state }) => state?.State === 'associated')
    .flatMap(({ Ipv6CidrBlock: cidr }) => cidr ?? []);
  const cidrs = [...new Set([...(first === undefined ? [] : [first]), ...v4, ...v6])];
  return { kind: 'vpc', ...owned(target, { id, ownerId }, vpc.Tags), cidrs };
}

export function subnetResource(target: Owner, subnet: Subnet): SubnetResource | undefined {
  const { SubnetId: id, VpcId: vpcId, OwnerId: ownerId, CidrBlock: first } = subnet;
  if (id === undefined || vpcId === undefined) return undefined;
  const v6 = (subnet.Ipv6CidrBlockAssociationSet ?? [])
    .filter(({ Ipv6CidrBlockState: state }) => state?.State === 'associated')
    .flatMap(({ Ipv6CidrBlock: cidr }) => cidr ?? []);
  return {
    kind: 'subnet',
    ...owned(target, { id, ownerId }, subnet.Tags),
    vpcId,
    cidrs: [...(first === undefined ? [] : [first]), ...v6],
    zoneId: subnet.AvailabilityZoneId,
  };
}

/** Tags with the group of a node: of EKS, of Karpenter, of any scaling group. */
const NODE_POOL_TAGS = ['eks:nodegroup-name', 'karpenter.sh/nodepool', 'aws:autoscaling:groupName'];

export function instanceResource(
  target: Owner,
  instance: Instance,
  zoneIds: ReadonlyMap<string, string>,
): InstanceResource | undefined {
  const { InstanceId: id, State: state, Tags: tags } = instance;
  if (id === undefined || state?.Name === 'terminated') return undefined;
  const pools = NODE_POOL_TAGS.map((key) => tags?.find((tag) => tag.Key === key)?.Value);
  return {
    kind: 'instance',
    ...owned(target, { id }, tags),
    vpcId: instance.VpcId,
    subnetId: instance.SubnetId,
    zoneId: zoneIds.get(instance.Placement?.AvailabilityZone ?? ''),
    instanceType: instance.InstanceType,
    imageId: instance.ImageId,
    nodePool: pools.find((pool) => pool !== undefined),
  };
}

/** `owners` are the gateways and endpoints that name the interface themselves, by its id. */
export function interfaceResource(
  target: Owner,
  found: NetworkInterface,
  owners: ReadonlyMap<string, string>,
): NetworkInterfaceResource | undefined {
  const { NetworkInterfaceId: id, VpcId: vpcId } = found;
  if (id === undefined || vpcId === undefined) return undefined;
  const v4 = (found.PrivateIpAddresses ?? []).toSorted(
    (a, b) => Number(b.Primary === true) - Number(a.Primary === true),
  );
  const v6 = (found.Ipv6Addresses ?? []).flatMap(({ Ipv6Address: address }) => address ?? []);
  const prefixes = [
    ...(found.Ipv4Prefixes ?? []).flatMap(({ Ipv4Prefix: prefix }) => prefix ?? []),
    ...(found.Ipv6Prefixes ?? []).flatMap(({ Ipv6Prefix: prefix }) => prefix ?? []),
  ];
  return {
    kind: 'network-interface',
    // Interfaces are the most numerous and their tags are rarely useful, so tags are left out.
    ...owned(target, { id, ownerId: found.OwnerId }, undefined),
    vpcId,
    subnetId: found.SubnetId,
    addresses: [...v4.flatMap(({ PrivateIpAddress: address }) => address ?? []), ...v6],
    prefixes,
    publicAddresses: v4.flatMap(({ Association: association }) => association?.PublicIp ?? []),
    instanceId: found.Attachment?.InstanceId,
    ownerId: owners.get(id) ?? describedOwner(found)?.id,
  };
}

interface DescribedOwner {
  readonly id: string;
  readonly balancerType?: LoadBalancerResource['balancerType'];
}

const BALANCER_TYPES: Readonly<Record<string, LoadBalancerResource['balancerType']>> = {
  app: 'application',
  net: 'network',
  gwy: 'gateway',
};

/** Load balancers and attachments write their id into the description of their interfaces. */
function describedOwner({ Description: text = '' }: NetworkInterface): DescribedOwner | undefined {
  const attachment = /^Network Interface for Transit Gateway Attachment (tgw-attach-\w+)/.exec(
    text,
  );
  if (attachment?.[1] !== undefined) return { id: attachment[1] };
  const [, id, type = ''] = /^ELB ((app|net|gwy)\/[^/\s]+\/\w+)$/.exec(text) ?? [];
  const balancerType = BALANCER_TYPES[type];
  if (id !== undefined && balancerType !== undefined) return { id, balancerType };
  const [, classic] = /^ELB ([\w-]+)$/.exec(text) ?? [];
  return classic === undefined ? undefined : { id: classic, balancerType: 'classic' };
}

/** The load balancer that an interface belongs to; undefined for other interfaces. */
export function balancerResource(
  target: Owner,
  found: NetworkInterface,
): LoadBalancerResource | undefined {
  const owner = found.RequesterManaged === true ? describedOwner(found) : undefined;
  if (owner?.balancerType === undefined) return undefined;
  const { id, balancerType } = owner;
  const name = balancerType === 'classic' ? id : id.split('/')[1];
  const { OwnerId: ownerId, VpcId: vpcId } = found;
  const members = owned(target, { id, ownerId }, undefined);
  return { kind: 'load-balancer', ...members, name, vpcId, balancerType };
}
