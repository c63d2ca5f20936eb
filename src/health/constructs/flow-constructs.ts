import type { DestinationCategory } from '../../model/category.ts';
import type { InstanceFinder, PathEnd, PathFinder } from '../../model/topology.ts';
import type { ConstructClassName } from './construct-class.ts';

/** The far end of flows of one subnet to another, at an address of one of them; "" where nothing is known. */
export interface RemoteEnd extends PathEnd {
  readonly category: DestinationCategory;
  readonly remoteIdentifier: string;
}

/** The near end, with what of Kubernetes it belongs to: `NAMESPACE/SERVICE`, or "". */
export interface LocalEnd extends PathEnd {
  readonly deployment: string;
}

export interface SharedPart {
  readonly class: ConstructClassName;
  readonly id: string;
  /** When the topology around it last changed, seconds since 1970; absent when not known. */
  readonly changedSeconds?: number | undefined;
}

/**
 * What the flows between two ends traverse at a time, but for the ends themselves. Ends without an
 * instance: flows of one subnet to another share their answer.
 */
export type ConstructsOf = (
  local: LocalEnd,
  remote: RemoteEnd,
  timeSeconds: number,
) => readonly SharedPart[];

/** What an instance has in common with others that is no network: image, node pool, type. */
export type GroupsOf = (instanceId: string, timeSeconds: number) => readonly SharedPart[];

/** As the topology's sources say of an instance at a time. */
export function groupsOfInstance(instances: () => InstanceFinder): GroupsOf {
  return (instanceId, timeSeconds) => {
    const found = instances().instance(instanceId, timeSeconds);
    const named: readonly (readonly [ConstructClassName, string | undefined])[] = [
      ['image', found?.imageId],
      ['instance-type', found?.instanceType],
      ['node-pool', found?.nodePool],
    ];
    return named.flatMap(([name, id]) => (id ? [{ class: name, id }] : []));
  };
}

/** Parts of a path that flows share, by their CloudFormation types; the others are the ends' own. */
const CLASS_OF_TYPE: Readonly<Record<string, ConstructClassName>> = {
  'AWS::EC2::TransitGateway': 'tgw',
  'AWS::EC2::TransitGatewayAttachment': 'tgw-attachment',
  'AWS::EC2::TransitGatewayPeeringAttachment': 'tgw-attachment',
  'AWS::EC2::VPCPeeringConnection': 'peering',
  'AWS::EC2::NatGateway': 'nat',
  'AWS::EC2::VPCEndpoint': 'edge',
  'AWS::EC2::InternetGateway': 'internet-edge',
  'AWS::EC2::EgressOnlyInternetGateway': 'internet-edge',
};

/** What the row says, and what the routes of the time say of the way between its ends. */
export function constructsOfPath(paths: () => PathFinder): ConstructsOf {
  return (local, remote, timeSeconds) => {
    const { constructs } = paths().pathOf(local, remote, timeSeconds);
    const routed = constructs.flatMap(({ componentType = '', componentId = '' }) => {
      const name = CLASS_OF_TYPE[componentType];
      return name === undefined || componentId === '' ? [] : [{ class: name, id: componentId }];
    });
    return [...constructsOfRow(local, remote, timeSeconds), ...routed];
  };
}

/** Categories whose far end is a service, reached by an edge of the near end's zone. */
const SERVICES: ReadonlySet<DestinationCategory> = new Set([
  'AMAZON_S3',
  'AMAZON_DYNAMODB',
  'AWS_SERVICE',
]);

/**
 * What is known without a graph of the network: the subnets, zones and VPCs of both ends, and the
 * link between those that differ, from the near end's to the far end's.
 */
export const constructsOfRow: ConstructsOf = (local, remote) => {
  const own: readonly (readonly [ConstructClassName, string])[] = [
    ['subnet', local.subnetId],
    ['subnet', remote.subnetId],
    ['az', local.az],
    ['az', remote.az],
    ['vpc', local.vpcId],
    ['vpc', remote.vpcId],
    ...between(local, remote),
    ['deployment', local.deployment],
  ];
  const found = new Map(own.map(([name, id]) => [`${name}:${id}`, { class: name, id }]));
  return [...found.values()].filter(({ id }) => id !== '');
};

function between(local: LocalEnd, remote: RemoteEnd): [ConstructClassName, string][] {
  const pair = (name: ConstructClassName, from: string, to: string) =>
    from !== '' && to !== '' && from !== to ? [[name, `${from}>${to}`]] : [];
  const links = [];
  switch (remote.category) {
    case 'INTER_AZ':
      links.push(...pair('az-pair', local.az, remote.az));
      break;
    case 'INTER_VPC':
      links.push(...pair('vpc-pair', local.vpcId, remote.vpcId));
      break;
    case 'INTER_REGION':
      links.push(...pair('region-pair', local.region, remote.region || remote.remoteIdentifier));
      break;
    case 'INTERNET':
      links.push(['internet-edge', local.vpcId || local.region]);
      break;
    default:
      if (SERVICES.has(remote.category)) {
        links.push(['edge', `${serviceName(remote)}@${local.az || local.region}`]);
      }
  }
  return links as [ConstructClassName, string][];
}

function serviceName({ category, remoteIdentifier }: RemoteEnd): string {
  return category === 'AWS_SERVICE' ? remoteIdentifier || category : category;
}
