import type { FlowEnd } from './enriched-flow.ts';
import type { Owner } from './owner.ts';
import type { PodNames } from './report.ts';

/** The network, subnet and time from which an address is looked up. */
export interface Vantage {
  readonly owner: Owner;
  /** "" when the network of the reporting host is unknown. */
  readonly vpcId: string;
  /** Absent or "" when unknown; then the main route table of the network applies. */
  readonly subnetId?: string;
  readonly timeSeconds: number;
}

/** The exit to which the routes of a network lead for an address without a known owner. */
export type PathExit = 'internet' | 'transit-gateway' | 'nowhere known';

/** The result of looking up an address. */
export interface Located extends FlowEnd {
  /** The AWS service that owns the address, e.g. `Amazon S3`; absent or "" for none. */
  readonly service?: string;
  readonly isLocalZone?: boolean;
  /** Present when the owner of the address is unknown but routes lead to it. */
  readonly beyond?: PathExit;
  /** The ARN of the transit gateway that routes lead to, when its far side is unknown. */
  readonly gatewayArn?: string;
}

/** An end of a path. */
export interface PathEnd extends FlowEnd {
  /** Canonical text. */
  readonly address: string;
  /**
   * The address after the reporting host's own NAT, by which the network routes; "" without NAT.
   */
  readonly beyondNat?: string;
}

/** A step of a path. The types are those of CloudFormation. */
export interface TraversedConstruct {
  readonly componentId?: string;
  /** e.g. `AWS::EC2::NetworkInterface`; absent for an AWS service. */
  readonly componentType?: string;
  readonly componentArn?: string;
  readonly serviceName?: string;
}

export interface FlowPath {
  /** In order from the local end to the remote end, both included. */
  readonly constructs: readonly TraversedConstruct[];
  /** The local address after a NAT or internet gateway on the route; "" without one. */
  readonly snatAddress: string;
  /** The private address that an internet gateway translates the remote one to; "" without one. */
  readonly dnatAddress: string;
}

/** Finds the path between two addresses at a time. */
export interface PathFinder {
  /**
   * The path from one end to the other, by the routes of that time. The path back follows the
   * routes of the other end: exchange the ends to get it.
   */
  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath;
}

/** Traits that an instance shares with others; absent ones are unknown. */
export interface InstanceTraits {
  readonly imageId?: string | undefined;
  readonly instanceType?: string | undefined;
  /** The node pool, node group or scaling group it belongs to. */
  readonly nodePool?: string | undefined;
}

/** An instance as the hosts of an account name it. */
export interface InstanceRef {
  readonly account: string;
  readonly instanceId: string;
}

export type IdentityConflictKind = 'shared-identity' | 'shared-address';

/** Several hosts of an account that report as one. */
export interface IdentityConflict {
  readonly kind: IdentityConflictKind;
  /** The instance, or the network and address. */
  readonly subject: string;
  readonly message: string;
  /** When it was last seen, in seconds since 1970. */
  readonly seenSeconds: number;
}

/** Finds the traits of instances at a time. */
export interface InstanceFinder {
  /** Undefined for an instance that is unknown or of another account. */
  instance(ref: InstanceRef, timeSeconds: number): InstanceTraits | undefined;
}

/**
 * The topology that flows are enriched from. A snapshot does not change while a newer one is built,
 * so lookups are synchronous and never wait.
 */
export interface TopologySnapshot extends PathFinder {
  /**
   * The owner of an address at a time. Looks in the network itself, then in those that its routes
   * lead to; without routes, in other networks of the same account and Region that agents describe.
   * An unowned address of a known subnet gives the subnet without an instance. Undefined when
   * nothing is known.
   */
  locate(address: string, vantage: Vantage): Located | undefined;

  /**
   * Looks in one network only; undefined when no source other than agents describes the address,
   * and when the account may not use the network.
   */
  here(address: string, vantage: Vantage): Located | undefined;

  /**
   * The zone of a subnet; "" when it is unknown, the hosts of the subnet report different ones, or
   * the account may not use its network.
   */
  zoneOf(subnetId: string, account: string): string;

  isLocalZone(zoneId: string): boolean;

  /**
   * The pods and services of two addresses; undefined when Kubernetes describes neither. The remote
   * end is named only if it is in the cluster of the local end.
   */
  podNamesOf(local: PathEnd, remoteAddress: string, timeSeconds: number): PodNames | undefined;
}
