/** Which end of the connection the reporting host is. */
export type Side = 'client' | 'server';

/** Pod and service names a Kubernetes agent knows; "" where it does not. */
export interface PodNames {
  readonly localPodName: string;
  readonly localPodNamespace: string;
  readonly localServiceName: string;
  readonly remotePodName: string;
  readonly remotePodNamespace: string;
  readonly remoteServiceName: string;
}

/** One flow of one report: the connections of this host with one remote address and service port. */
export interface ReportedFlow {
  readonly side: Side;
  /** As the socket has them. Canonical text (RFC 5952; v4-mapped as v4; no zone id). */
  readonly localAddress: string;
  readonly remoteAddress: string;
  /**
   * What the network beyond this host's address translation has instead: `snatAddress` for the
   * local address, `dnatAddress` for the remote one. Absent where it is the same.
   */
  readonly snatAddress?: string | undefined;
  readonly dnatAddress?: string | undefined;
  /**
   * The server's port: `remote_port` on the client side, `local_port` on the server side. Where it
   * is translated, the one the server itself has.
   */
  readonly servicePort: number;
  readonly pods?: PodNames | undefined;
  /**
   * The program that has its connections on this host, as the kernel names it, and the folder of
   * its cgroup below the mount. Absent when not known, or not one and the same for all of them.
   */
  readonly processName?: string | undefined;
  readonly cgroup?: string | undefined;
  /** One double a value; places by `model/flow-metrics.ts`. */
  readonly values: Float64Array;
}

/** Where a flow's other end is, as far as its address says. */
export const CATEGORY_HINTS = ['loopback', 'private', 'global'] as const;
export type CategoryHint = (typeof CATEGORY_HINTS)[number];

/** The flows that were cut from a report, added up: one for each side and hint that had any. */
export interface Remainder {
  readonly side: Side;
  readonly hint: CategoryHint;
  /** How many they were. */
  readonly flows: number;
  /** As a flow's. */
  readonly values: Float64Array;
}

/**
 * How an address stands on its host. Only `link` addresses make subnets: loopback and container
 * bridges (and what is enslaved to them) are the host's own business.
 */
export const INTERFACE_KINDS = ['link', 'loopback', 'container-bridge', 'enslaved'] as const;
export type InterfaceKind = (typeof INTERFACE_KINDS)[number];

export interface HostInterface {
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly address: string;
  readonly prefixLength: number;
}

/** A network card of a cloud's instance, as the cloud knows it. */
export interface NetworkCard {
  /** e.g. `eni-0123456789abcdef0`. */
  readonly id: string;
  readonly mac: string;
  readonly subnetId: string;
  readonly vpcId: string;
}

/** What an agent says of its host. The existing open agent sends only the first three. */
export interface HostDescription {
  /** "" when the metadata service did not answer and none was given. */
  readonly instanceId: string;
  readonly instanceType: string;
  readonly machineId: string;
  /** The machine image it was started from, such as ami-0123456789abcdef0. */
  readonly imageId?: string | undefined;
  readonly hostName?: string | undefined;
  /** The network (VPC) the host is in, by name. */
  readonly network?: string | undefined;
  /** The availability zone id, such as use1-az1. */
  readonly zone?: string | undefined;
  /** The cloud's own: the zone's name in the account, the account, the Region, the cards. */
  readonly zoneName?: string | undefined;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly cards?: readonly NetworkCard[] | undefined;
  readonly interfaces: readonly HostInterface[];
  /** "GATEWAY INTERFACE" of the IPv4 or IPv6 default route. */
  readonly defaultRoute?: string | undefined;
  readonly computePlatform?: string | undefined;
  readonly k8sNodeName?: string | undefined;
  readonly k8sClusterName?: string | undefined;
}

/** Which report of which agent run it is; absent in the existing agent's reports. */
export interface ReportIdentity {
  /** UUID, new at each start of the agent. */
  readonly runId: string;
  /** 1, 2, 3 …; retries repeat it. */
  readonly sequence: number;
}

export interface AgentDescription {
  /** `service.name`, `service.version`, `agent.build_ts`, `report.version`. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly buildTimestamp: string;
  readonly reportVersion: string;
}

/** What one network card counted in the window: `host_stats`, by the driver's and the kernel's names. */
export interface InterfaceStats {
  /** Its id on EC2, else its name. */
  readonly interfaceId: string;
  readonly values: Readonly<Record<string, number>>;
}

/** A report as an agent makes it and as `decode` gives it back. */
export interface Report {
  readonly host: HostDescription;
  readonly agent: AgentDescription;
  readonly identity?: ReportIdentity | undefined;
  /** When the window was closed, nanoseconds since 1970. */
  readonly timeUnixNano: bigint;
  readonly flows: readonly ReportedFlow[];
  /** What the flows leave of the host's traffic; absent in the existing agent's reports. */
  readonly remainders?: readonly Remainder[] | undefined;
  readonly hostStats?: readonly InterfaceStats[] | undefined;
  /** `process_stats`: gauges of the agent itself. */
  readonly processStats: Readonly<Record<string, number>>;
  /** `counters`: deltas of the agent's own event counters. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Resource attributes beyond the existing agent's, by which ours describes its host. */
export const HOST_ATTRIBUTES = {
  hostName: 'host.name',
  imageId: 'host.image.id',
  network: 'nfm.network',
  zone: 'nfm.zone',
  /** An array of strings `NAME KIND ADDRESS/PREFIX`, one an address. */
  interfaces: 'nfm.interfaces',
  defaultRoute: 'nfm.default_route',
  zoneName: 'cloud.availability_zone',
  account: 'cloud.account.id',
  region: 'cloud.region',
  /** An array of strings `ID MAC SUBNET VPC`, one a card. */
  cards: 'nfm.cards',
  runId: 'agent.run_id',
  sequence: 'report.sequence',
} as const;

/** Attributes of a flow beyond the existing agent's. */
export const FLOW_ATTRIBUTES = {
  processName: 'process.executable.name',
  cgroup: 'nfm.cgroup',
  /**
   * The socket's own address, where the report's `local_address` or `remote_address` is the one
   * beyond address translation, as the existing agent sends it.
   */
  localSocketAddress: 'nfm.local_socket_address',
  remoteSocketAddress: 'nfm.remote_socket_address',
} as const;

/** Attributes of the scope of a card's counters. */
export const HOST_STATS_ATTRIBUTES = { interfaceId: 'interface_id' } as const;

/** Attributes of a remainder's scope. */
export const REMAINDER_ATTRIBUTES = {
  side: 'side',
  hint: 'category_hint',
  flows: 'flows',
} as const;
