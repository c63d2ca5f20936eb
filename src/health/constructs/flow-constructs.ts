import type { DestinationCategory } from '../../model/category.ts';
import type { InstanceFinder, InstanceRef, PathEnd, PathFinder } from '../../model/topology.ts';
import type { ConstructClassName } from './construct-class.ts';

/**
 * The far end of the flows between two subnets. Its address is that of one of the flows. Unknown
 * members are "".
 */
export interface RemoteEnd extends PathEnd {
  readonly category: DestinationCategory;
  readonly remoteIdentifier: string;
}

/** The near end. Its deployment is a Kubernetes service, `NAMESPACE/SERVICE`, or "". */
export interface LocalEnd extends PathEnd {
  readonly deployment: string;
}

export interface SharedPart {
  readonly class: ConstructClassName;
  readonly id: string;
  /** When the topology around it last changed, in seconds since 1970. Absent: unknown. */
  readonly changedSeconds?: number | undefined;
}

/**
 * Finds the shared constructs that flows between two ends traverse at the given time. The ends
 * carry no instance id, so all flows between two subnets share the result.
 */
export type ConstructsOf = (
  local: LocalEnd,
  remote: RemoteEnd,
  timeSeconds: number,
) => readonly SharedPart[];

/** Finds the groups of an instance: its image, node pool and type. */
export type GroupsOf = (instance: InstanceRef, timeSeconds: number) => readonly SharedPart[];

/** The groups that the sources of the topology report. */
export function groupsOfInstance(instances: () => InstanceFinder): GroupsOf {
  return (instance, timeSeconds) => {
    const found = instances().instance(instance, timeSeconds);
    const named: readonly (readonly [ConstructClassName, string | undefined])[] = [
      ['image', found?.imageId],
      ['instance-type', found?.instanceType],
      ['node-pool', found?.nodePool],
    ];
    return named.flatMap(([name, id]) => (id ? [{ class: name, id }] : []));
  };
}

/** The shared parts of a path by CloudFormation type. Other parts belong to one end. */
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

/** The constructs of the row, and those on the route between the ends at that time. */
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

/** Categories whose far end is a service. Flows reach it through an edge of the near end's zone. */
const SERVICES: ReadonlySet<DestinationCategory> = new Set([
  'AMAZON_S3',
  'AMAZON_DYNAMODB',
  'AWS_SERVICE',
]);

/**
 * The constructs that a row of the store names by itself: the subnets, zones and VPCs of both ends,
 * and the link from the near end's to the far end's where they differ.
 */
export const constructsOfRow: ConstructsOf = (local, remote) => {
  const own: readonly Link[] = [
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

type Link = readonly [ConstructClassName, string];

/** The link between two ends that differ, or the edge that leads to the far end. */
function between(local: LocalEnd, remote: RemoteEnd): readonly Link[] {
  const pair = (name: ConstructClassName, from: string, to: string): readonly Link[] =>
    from !== '' && to !== '' && from !== to ? [[name, `${from}>${to}`]] : [];
  switch (remote.category) {
    case 'INTER_AZ':
      return pair('az-pair', local.az, remote.az);
    case 'INTER_VPC':
      return pair('vpc-pair', local.vpcId, remote.vpcId);
    case 'INTER_REGION':
      return pair('region-pair', local.region, remote.region || remote.remoteIdentifier);
    case 'INTERNET':
      return [['internet-edge', local.vpcId || local.region]];
    default:
      return SERVICES.has(remote.category)
        ? [['edge', `${serviceName(remote)}@${local.az || local.region}`]]
        : [];
  }
}

function serviceName({ category, remoteIdentifier }: RemoteEnd): string {
  return category === 'AWS_SERVICE' ? remoteIdentifier || category : category;
}
