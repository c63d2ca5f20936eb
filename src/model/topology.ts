import type { FlowEnd } from './enriched-flow.ts';
import type { Owner } from './owner.ts';
import type { PodNames } from './report.ts';

/** Where an address is looked up: the network and subnet it is seen from, and when. */
export interface Vantage {
  readonly owner: Owner;
  /** "" when the reporting host's network is not known. */
  readonly vpcId: string;
  /** Absent or "" when it is not known: the network's main routes count. */
  readonly subnetId?: string;
  readonly timeSeconds: number;
}

/** Where the routes of a network lead with an address that nobody is known to have. */
export type PathExit = 'internet' | 'transit-gateway' | 'nowhere known';

/** What is known of an address. */
export interface Located extends FlowEnd {
  /** The AWS service it belongs to, e.g. `Amazon S3`; absent or "" when it is none. */
  readonly service?: string;
  readonly isLocalZone?: boolean;
  /** Present when nobody is known to have the address, but the routes to it are. */
  readonly beyond?: PathExit;
  /** Of a transit gateway whose far side is not known: its ARN. */
  readonly gatewayArn?: string;
}

/** One end of a flow, for the path between two. */
export interface PathEnd extends FlowEnd {
  /** As canonical text. */
  readonly address: string;
  /** What the reporting host's own translation makes of it, and the network routes by; "" for nothing. */
  readonly beyondNat?: string;
}

/** A step of a flow's way through the network; CloudFormation's type names. */
export interface TraversedConstruct {
  readonly componentId?: string;
  /** e.g. `AWS::EC2::NetworkInterface`; absent of an AWS service. */
  readonly componentType?: string;
  readonly componentArn?: string;
  readonly serviceName?: string;
}

export interface FlowPath {
  /** From the local end to the remote one; both ends are in it. */
  readonly constructs: readonly TraversedConstruct[];
  /** What a NAT or internet gateway on the way makes of the local address; "" without one. */
  readonly snatAddress: string;
  /** What an internet gateway makes of the remote address, where it is an interface's; else "". */
  readonly dnatAddress: string;
}

/** Names the constructs between two addresses as they were at a time. */
export interface PathFinder {
  /**
   * The way from one end to the other, by the routes of that time. The way back is that of the other
   * end's routes: ask for it by exchanging the ends.
   */
  pathOf(from: PathEnd, to: PathEnd, timeSeconds: number): FlowPath;
}

/** What an instance has in common with others; absent where it is not known. */
export interface InstanceTraits {
  readonly imageId?: string | undefined;
  readonly instanceType?: string | undefined;
  /** The node pool, node group or scaling group it is one of. */
  readonly nodePool?: string | undefined;
}

/** Tells of instances as they were at a time. */
export interface InstanceFinder {
  /** Undefined when nothing is known of it. */
  instance(instanceId: string, timeSeconds: number): InstanceTraits | undefined;
}

/**
 * The topology as the path of a flow sees it: a snapshot that stays as it is while a newer one is
 * built, so lookups are synchronous and never wait.
 */
export interface TopologySnapshot extends PathFinder {
  /**
   * Who had an address at that time, as seen from a network: first in the network itself, then in
   * those its routes lead to; without routes, in others of the same account and Region that agents
   * describe. An address of a known subnet that nobody is known to have gives the subnet without an
   * instance. Undefined when nothing is known.
   */
  locate(address: string, vantage: Vantage): Located | undefined;

  /** An address in the network itself; undefined when sources other than agents say nothing of it. */
  here(address: string, vpcId: string, timeSeconds: number): Located | undefined;

  /** The zone of a subnet: its hosts', "" when they disagree or it is not known. */
  zoneOf(subnetId: string): string;

  isLocalZone(zoneId: string): boolean;

  /**
   * The pods and services two addresses were, as Kubernetes says; undefined when it says nothing.
   * The remote one's are those of the local one's cluster: another cluster's are not known by it.
   */
  podNamesOf(local: PathEnd, remoteAddress: string, timeSeconds: number): PodNames | undefined;
}
