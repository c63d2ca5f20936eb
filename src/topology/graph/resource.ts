/**
 * What the topology is made of, in the words of EC2 and Kubernetes. A network of any other kind (a
 * data centre, another cloud) is a `vpc`: an address space of its own. Ids have AWS's form where AWS
 * gives one; for the rest `model/ids.ts` makes them. An absent member is not known, which is not
 * the same as an empty list: that is known to be empty.
 */
export type Resource =
  | AccountResource
  | RegionResource
  | ZoneResource
  | VpcResource
  | SubnetResource
  | InstanceResource
  | NetworkInterfaceResource
  | VpcPeeringResource
  | RouteTableResource
  | TransitGatewayResource
  | TransitGatewayAttachmentResource
  | TransitGatewayRouteTableResource
  | TransitGatewayPeeringResource
  | NatGatewayResource
  | InternetGatewayResource
  | VpcEndpointResource
  | LoadBalancerResource
  | ServicePrefixResource
  | KubernetesClusterResource
  | KubernetesNodeResource
  | KubernetesPodResource
  | KubernetesServiceResource;

export const RESOURCE_KINDS = [
  'account',
  'region',
  'zone',
  'vpc',
  'subnet',
  'instance',
  'network-interface',
  'vpc-peering',
  'route-table',
  'transit-gateway',
  'transit-gateway-attachment',
  'transit-gateway-route-table',
  'transit-gateway-peering',
  'nat-gateway',
  'internet-gateway',
  'vpc-endpoint',
  'load-balancer',
  'service-prefix',
  'kubernetes-cluster',
  'kubernetes-node',
  'kubernetes-pod',
  'kubernetes-service',
] as const satisfies readonly Resource['kind'][];
export type ResourceKind = Resource['kind'];

export type ResourceOf<Kind extends ResourceKind> = Extract<Resource, { readonly kind: Kind }>;

interface Named {
  /** Unique within its kind. */
  readonly id: string;
  /** For people: a name tag, a host name. */
  readonly name?: string | undefined;
}

interface Owned extends Named {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** `id` is the account, 12 digits. */
export interface AccountResource extends Named {
  readonly kind: 'account';
}

/** `id` is the Region's name. */
export interface RegionResource extends Named {
  readonly kind: 'region';
}

/** `id` is the zone id, such as use1-az1 or use1-bos1-az1; `name` such as us-east-1a. */
export interface ZoneResource extends Named {
  readonly kind: 'zone';
  readonly region: string;
  readonly zoneType: 'availability' | 'local';
}

/** A network with its own address space. */
export interface VpcResource extends Owned {
  readonly kind: 'vpc';
  /** Prefixes, IPv4 and IPv6, e.g. `10.0.0.0/16`. */
  readonly cidrs: readonly string[];
}

export interface SubnetResource extends Owned {
  readonly kind: 'subnet';
  readonly vpcId: string;
  readonly cidrs: readonly string[];
  readonly zoneId?: string | undefined;
}

export interface InstanceResource extends Owned {
  readonly kind: 'instance';
  readonly vpcId?: string | undefined;
  readonly subnetId?: string | undefined;
  readonly zoneId?: string | undefined;
  readonly instanceType?: string | undefined;
  readonly imageId?: string | undefined;
  /** The node pool, node group or scaling group it is one of. */
  readonly nodePool?: string | undefined;
}

/** What holds addresses in a network: an instance's, or that of a gateway, endpoint or balancer. */
export interface NetworkInterfaceResource extends Owned {
  readonly kind: 'network-interface';
  readonly vpcId: string;
  readonly subnetId?: string | undefined;
  /** Its own in the network, primary first, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** Whole prefixes delegated to it, such as `10.0.1.16/28` for pods. */
  readonly prefixes?: readonly string[] | undefined;
  /** Addresses by which the internet reaches it. */
  readonly publicAddresses?: readonly string[] | undefined;
  readonly instanceId?: string | undefined;
  /** The NAT gateway, VPC endpoint, load balancer or TGW attachment it belongs to, by its id. */
  readonly ownerId?: string | undefined;
}

export interface PeeredVpc {
  readonly account: string;
  readonly region: string;
  readonly vpcId: string;
}

/** Said alike from both ends, in whatever account and Region they are. */
export interface VpcPeeringResource extends Named {
  readonly kind: 'vpc-peering';
  readonly requester: PeeredVpc;
  readonly accepter: PeeredVpc;
}

/**
 * The longest destination that holds an address decides. Routes to the prefix list of an AWS
 * service are left out: the gateway endpoint names its route tables. Other prefix lists are
 * written out.
 */
export interface RouteTableResource extends Owned {
  readonly kind: 'route-table';
  readonly vpcId: string;
  /** Counts for subnets that no table of the network names. */
  readonly isMain: boolean;
  readonly subnetIds: readonly string[];
  readonly routes: readonly RouteEntry[];
}

export interface RouteEntry {
  /** A prefix, e.g. `0.0.0.0/0`. */
  readonly destination: string;
  readonly target: RouteTargetKind;
  /** The target's id; "" for `local` and `blackhole`. */
  readonly targetId: string;
}

export type RouteTargetKind =
  | 'local'
  | 'vpc-peering'
  | 'transit-gateway'
  | 'nat-gateway'
  | 'internet-gateway'
  | 'vpc-endpoint'
  | 'network-interface'
  /** A VPN or local gateway, a core network: beyond it nothing is known. */
  | 'other'
  | 'blackhole';

export interface TransitGatewayResource extends Owned {
  readonly kind: 'transit-gateway';
}

/** Joins a transit gateway with a network. Peerings of two transit gateways are a kind of their own. */
export interface TransitGatewayAttachmentResource extends Owned {
  readonly kind: 'transit-gateway-attachment';
  readonly transitGatewayId: string;
  readonly attached: 'vpc' | 'vpn' | 'direct-connect' | 'connect';
  /** Of a VPC: its id. */
  readonly attachedId: string;
  /** Of a VPC: where its interfaces are. */
  readonly subnetIds?: readonly string[] | undefined;
}

export interface TransitGatewayRouteTableResource extends Owned {
  readonly kind: 'transit-gateway-route-table';
  readonly transitGatewayId: string;
  /** Ids of the attachments (peerings too) whose traffic it routes. */
  readonly associations: readonly string[];
  /** Static and propagated alike. */
  readonly routes: readonly TransitGatewayRoute[];
}

export interface TransitGatewayRoute {
  readonly destination: string;
  /** An attachment or a peering; "" for a blackhole. */
  readonly attachmentId: string;
}

export interface PeeredTransitGateway {
  readonly account: string;
  readonly region: string;
  readonly transitGatewayId: string;
}

/** `id` is the attachment id, the same on both sides; said alike from both. */
export interface TransitGatewayPeeringResource extends Named {
  readonly kind: 'transit-gateway-peering';
  readonly requester: PeeredTransitGateway;
  readonly accepter: PeeredTransitGateway;
}

export interface NatGatewayResource extends Owned {
  readonly kind: 'nat-gateway';
  readonly vpcId: string;
  readonly subnetId: string;
  readonly privateAddresses: readonly string[];
  /** Empty for one of private connectivity. */
  readonly publicAddresses: readonly string[];
}

/** Egress-only ones (`eigw-…`) too. */
export interface InternetGatewayResource extends Owned {
  readonly kind: 'internet-gateway';
  readonly vpcIds: readonly string[];
}

export interface VpcEndpointResource extends Owned {
  readonly kind: 'vpc-endpoint';
  readonly vpcId: string;
  readonly endpointType: 'gateway' | 'interface';
  /** e.g. `com.amazonaws.us-east-1.s3`. */
  readonly serviceName: string;
  /** Of a gateway endpoint: the tables that have a route to it. */
  readonly routeTableIds?: readonly string[] | undefined;
  /** Of an interface endpoint: interfaces that name it as `ownerId` count too. */
  readonly interfaceIds?: readonly string[] | undefined;
}

/** `id` as in its ARN after `loadbalancer/`, e.g. `app/web/50dc6c495c0c9188`. */
export interface LoadBalancerResource extends Owned {
  readonly kind: 'load-balancer';
  readonly vpcId?: string | undefined;
  readonly balancerType: 'application' | 'network' | 'gateway' | 'classic';
  /** Interfaces that name it as `ownerId` count too. */
  readonly interfaceIds?: readonly string[] | undefined;
}

/** An entry of AWS's ip-ranges.json. `id` is `SERVICE REGION PREFIX`. */
export interface ServicePrefixResource extends Named {
  readonly kind: 'service-prefix';
  readonly prefix: string;
  /** As published: `S3`, `DYNAMODB`, `EC2`, `CLOUDFRONT`, … or `AMAZON` for all of them. */
  readonly service: string;
  /** `GLOBAL` for none. */
  readonly region: string;
  /** The Region, or a local zone's group such as us-east-1-bos-1. */
  readonly networkBorderGroup: string;
}

/** `id` is unique over all clusters: an ARN, or a name of the installation's choice. */
export interface KubernetesClusterResource extends Owned {
  readonly kind: 'kubernetes-cluster';
  /** As agents on its nodes call it (`k8s.cluster.name`). */
  readonly name: string;
  /** The network its nodes are in. */
  readonly vpcId?: string | undefined;
}

/** `id` is `CLUSTER_ID/NAME`. */
export interface KubernetesNodeResource extends Named {
  readonly kind: 'kubernetes-node';
  readonly clusterId: string;
  readonly name: string;
  readonly instanceId?: string | undefined;
  readonly addresses: readonly string[];
  readonly nodePool?: string | undefined;
  readonly zoneName?: string | undefined;
}

/** `id` is `CLUSTER_ID/NAMESPACE/NAME`. */
export interface KubernetesPodResource extends Named {
  readonly kind: 'kubernetes-pod';
  readonly clusterId: string;
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly addresses: readonly string[];
  /** It shares its node's addresses. */
  readonly hostNetwork: boolean;
}

/** `id` is `CLUSTER_ID/NAMESPACE/NAME`. */
export interface KubernetesServiceResource extends Named {
  readonly kind: 'kubernetes-service';
  readonly clusterId: string;
  readonly namespace: string;
  readonly name: string;
  /** Cluster IPs; empty for a headless service. */
  readonly clusterAddresses: readonly string[];
  /** The pods behind it, of all its EndpointSlices. */
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint {
  readonly address: string;
  /** Absent when it is no pod. */
  readonly podName?: string | undefined;
}
