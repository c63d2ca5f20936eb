/** The end of the connection at the reporting host. */
export type Side = 'client' | 'server';

/** Names of pods and services, as an agent in Kubernetes knows them; "" if unknown. */
export interface PodNames {
  readonly localPodName: string;
  readonly localPodNamespace: string;
  readonly localServiceName: string;
  readonly remotePodName: string;
  readonly remotePodNamespace: string;
  readonly remoteServiceName: string;
}

/** A flow of a report: this host's connections with one remote address and service port. */
export interface ReportedFlow {
  readonly side: Side;
  /** The socket's addresses, as canonical text (RFC 5952; v4-mapped as v4; no zone id). */
  readonly localAddress: string;
  readonly remoteAddress: string;
  /**
   * The addresses after this host's address translation: `snatAddress` for the local one,
   * `dnatAddress` for the remote one. Absent if it is the same.
   */
  readonly snatAddress?: string | undefined;
  readonly dnatAddress?: string | undefined;
  /**
   * The server's port: `remote_port` on the client side, `local_port` on the server side. If it is
   * translated, it is the port on the server itself.
   */
  readonly servicePort: number;
  readonly pods?: PodNames | undefined;
  /**
   * The process of the flow's connections on this host, as the kernel names it, and the folder of
   * its cgroup below the mount. Absent if unknown, or if not the same for all connections.
   */
  readonly processName?: string | undefined;
  readonly cgroup?: string | undefined;
  /** Indexed by `model/flow-metrics.ts`. */
  readonly values: Float64Array;
}

/** The kind of a flow's remote address. */
export const CATEGORY_HINTS = ['loopback', 'private', 'global'] as const;
export type CategoryHint = (typeof CATEGORY_HINTS)[number];

/** The sum of the flows of one side and hint that were cut from a report. */
export interface Remainder {
  readonly side: Side;
  readonly hint: CategoryHint;
  /** The number of these flows. */
  readonly flows: number;
  /** Indexed like a flow's values. */
  readonly values: Float64Array;
}

/**
 * The kind of an interface. Only `link` addresses form subnets: loopback, container bridges and the
 * devices enslaved to them are internal to the host.
 */
export const INTERFACE_KINDS = ['link', 'loopback', 'container-bridge', 'enslaved'] as const;
export type InterfaceKind = (typeof INTERFACE_KINDS)[number];

export interface HostInterface {
  readonly name: string;
  readonly kind: InterfaceKind;
  readonly address: string;
  readonly prefixLength: number;
}

/** A network card of a cloud instance, from the cloud's metadata. */
export interface NetworkCard {
  /** For example `eni-0123456789abcdef0`. */
  readonly id: string;
  readonly mac: string;
  readonly subnetId: string;
  readonly vpcId: string;
}

/** An agent's description of its host. The existing open agent sends only the first three members. */
export interface HostDescription {
  /** "" without a metadata service and without `--instance-id`. */
  readonly instanceId: string;
  readonly instanceType: string;
  readonly machineId: string;
  /** The machine image of the instance, for example ami-0123456789abcdef0. */
  readonly imageId?: string | undefined;
  readonly hostName?: string | undefined;
  /** The name of the host's network (VPC). */
  readonly network?: string | undefined;
  /** The availability zone id, for example use1-az1. */
  readonly zone?: string | undefined;
  /** From the cloud's metadata: the zone's name in the account, the account, the Region, the cards. */
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

/** Identifies a report by the agent's run. The existing agent's reports have none. */
export interface ReportIdentity {
  /** UUID, new at each start of the agent. */
  readonly runId: string;
  /** 1, 2, 3 …; a retry has the same number. */
  readonly sequence: number;
}

export interface AgentDescription {
  /** `service.name`, `service.version`, `agent.build_ts`, `report.version`. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly buildTimestamp: string;
  readonly reportVersion: string;
}

/** Counters of a network card in the window (`host_stats`), by the driver's and the kernel's names. */
export interface InterfaceStats {
  /** The card's id on EC2, else its name. */
  readonly interfaceId: string;
  readonly values: Readonly<Record<string, number>>;
}

/** A report, as an agent makes it and `decode` returns it. */
export interface Report {
  readonly host: HostDescription;
  readonly agent: AgentDescription;
  readonly identity?: ReportIdentity | undefined;
  /** The end of the window, nanoseconds since 1970. */
  readonly timeUnixNano: bigint;
  readonly flows: readonly ReportedFlow[];
  /** The rest of the host's traffic. Absent in the existing agent's reports. */
  readonly remainders?: readonly Remainder[] | undefined;
  readonly hostStats?: readonly InterfaceStats[] | undefined;
  /** `process_stats`: gauges of the agent itself. */
  readonly processStats: Readonly<Record<string, number>>;
  /** `counters`: growth of the agent's own event counters. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Resource attributes that describe the host and that the existing agent does not send. */
export const HOST_ATTRIBUTES = {
  hostName: 'host.name',
  imageId: 'host.image.id',
  network: 'nfm.network',
  zone: 'nfm.zone',
  /** An array of strings `NAME KIND ADDRESS/PREFIX`, one for each address. */
  interfaces: 'nfm.interfaces',
  defaultRoute: 'nfm.default_route',
  zoneName: 'cloud.availability_zone',
  account: 'cloud.account.id',
  region: 'cloud.region',
  /** An array of strings `ID MAC SUBNET VPC`, one for each card. */
  cards: 'nfm.cards',
  runId: 'agent.run_id',
  sequence: 'report.sequence',
} as const;

/** Attributes of a flow that the existing agent does not send. */
export const FLOW_ATTRIBUTES = {
  processName: 'process.executable.name',
  cgroup: 'nfm.cgroup',
  /**
   * The socket's address, if `local_address` or `remote_address` of the report is the translated
   * one, as with the existing agent.
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
