import type { Resource, ResourceOf } from '../../src/topology/graph/resource.ts';

export const ACCOUNTS = ['111111111111', '222222222222', '333333333333'] as const;
export const ZONES: Readonly<Record<string, readonly string[]>> = {
  'us-east-1': ['use1-az1', 'use1-az2', 'use1-az3', 'use1-bos1-az1'],
  'eu-west-1': ['euw1-az1', 'euw1-az2', 'euw1-az3'],
};
/** The number of address spaces: fewer than VPCs, so that VPCs overlap. */
const SPACES = 12;

export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface Vpc extends Place {
  readonly number: number;
  readonly id: string;
  /** Second octet of the IPv4 prefix. */
  readonly space: number;
  readonly transitGateway: number | undefined;
}

export interface Subnet {
  readonly vpc: Vpc;
  readonly id: string;
  /** Third octet. */
  readonly octet: number;
  readonly zoneId: string;
}

export const hex = (value: number): string => value.toString(16).padStart(17, '0');
export const mainTable = (vpc: Vpc) => `rtb-${hex(vpc.number * 2)}`;
export const publicTable = (vpc: Vpc) => `rtb-${hex(vpc.number * 2 + 1)}`;
export const natId = (vpc: Vpc) => `nat-${hex(vpc.number)}`;
/** VPCs without a NAT gateway send their default route to the transit gateway. */
export const hasNat = (vpc: Vpc) => vpc.number % 6 !== 5;
export const isDual = (vpc: Vpc) => vpc.number % 2 === 0;
export const spaceOf = (vpc: Vpc) => `10.${vpc.space}.0.0/16`;

export function makeVpc(number: number): Vpc {
  const region = Math.floor(number / 3) % 3 === 2 ? 'eu-west-1' : 'us-east-1';
  const transitGateway = region === 'eu-west-1' ? 2 : number % 2;
  return {
    number,
    id: `vpc-${hex(number)}`,
    account: ACCOUNTS[number % 3] as string,
    region,
    space: number % SPACES,
    transitGateway: number % 5 === 0 ? undefined : transitGateway,
  };
}

export const subnetId = (vpc: Vpc, octet: number) => `subnet-${hex(vpc.number * 256 + octet)}`;

export function makeSubnet(vpc: Vpc, octet: number): Subnet {
  const zones = ZONES[vpc.region] ?? [];
  const zoneId = zones[octet % zones.length] ?? '';
  return { vpc, id: subnetId(vpc, octet), octet, zoneId };
}

/** The first four groups of a subnet's /64, e.g. `2600:1f00:1:1`. */
export const v6Of = (vpc: Vpc, octet: number) =>
  `2600:1f00:${(vpc.number + 1).toString(16)}:${(octet + 1).toString(16)}`;

export function subnetOf({ vpc, id, octet, zoneId }: Subnet): Resource {
  const { account, region } = vpc;
  const cidrs = [
    `10.${vpc.space}.${octet}.0/24`,
    ...(isDual(vpc) ? [`${v6Of(vpc, octet)}::/64`] : []),
  ];
  return { kind: 'subnet', id, account, region, vpcId: vpc.id, cidrs, zoneId };
}

export function interfaceAt(
  { vpc, id: subnetId }: Subnet,
  parts: Pick<ResourceOf<'network-interface'>, 'id' | 'addresses'>,
): ResourceOf<'network-interface'> {
  const { account, region, id: vpcId } = vpc;
  return { kind: 'network-interface', account, region, vpcId, subnetId, ...parts };
}

/** The resources of a VPC: gateways, endpoints, load balancer, and their interfaces. */
export function networkOf(vpc: Vpc): Resource[] {
  const { account, region, number, id: vpcId } = vpc;
  const owner = { account, region };
  const at = (octet: number) => makeSubnet(vpc, octet);
  const address = (octet: number, last: number) => `10.${vpc.space}.${octet}.${last}`;
  const nic = (
    octet: number,
    last: number,
    parts: { readonly ownerId: string; readonly publicAddresses?: readonly string[] },
  ) => ({
    ...interfaceAt(at(octet), {
      id: `eni-${hex(2 ** 40 + number * 1024 + octet * 256 + last)}`,
      addresses: [address(octet, last)],
    }),
    ...parts,
  });
  const cidrs = [
    spaceOf(vpc),
    ...(isDual(vpc) ? [`2600:1f00:${(number + 1).toString(16)}::/48`] : []),
  ];
  const resources: Resource[] = [
    { kind: 'vpc', id: vpcId, ...owner, cidrs },
    { kind: 'internet-gateway', id: `igw-${hex(number)}`, ...owner, vpcIds: [vpcId] },
  ];
  if (hasNat(vpc)) {
    const nat = {
      privateAddresses: [address(0, 250)],
      publicAddresses: [`54.200.${number % 256}.${1 + (number >> 8)}`],
    };
    resources.push(
      { kind: 'nat-gateway', id: natId(vpc), ...owner, vpcId, subnetId: subnetId(vpc, 0), ...nat },
      nic(0, 250, { ownerId: natId(vpc), publicAddresses: nat.publicAddresses }),
    );
  }
  if (number % 2 === 0) {
    resources.push({
      kind: 'vpc-endpoint',
      id: `vpce-${hex(number)}`,
      ...owner,
      vpcId,
      endpointType: 'gateway',
      serviceName: `com.amazonaws.${region}.s3`,
      routeTableIds: [mainTable(vpc)],
    });
  }
  if (number % 3 === 0) {
    const id = `vpce-${hex(1_000_000 + number)}`;
    resources.push(
      {
        kind: 'vpc-endpoint',
        id,
        ...owner,
        vpcId,
        endpointType: 'interface',
        serviceName: `com.amazonaws.${region}.logs`,
      },
      nic(2, 251, { ownerId: id }),
      nic(3, 251, { ownerId: id }),
    );
  }
  if (number % 4 === 0) {
    const id = `net/web/${hex(number)}`;
    resources.push(
      { kind: 'load-balancer', id, ...owner, vpcId, balancerType: 'network' },
      nic(4, 252, { ownerId: id }),
    );
  }
  return resources;
}
