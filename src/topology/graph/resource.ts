/**
 * A part of the topology, in the terms of EC2 and Kubernetes. Every other kind of network (a data
 * centre, another cloud) is a `vpc`: an address space of its own. Ids are those of AWS where it
 * gives one; the others are derived from names (`model/ids.ts`). An absent member is unknown; an
 * empty list is known to be empty.
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
  /** Other accounts whose hosts may be in it. Only inventories set this. */
  readonly sharedWith?: readonly string[] | undefined;
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
  /** The node pool, node group or scaling group that the instance belongs to. */
  readonly nodePool?: string | undefined;
}

/** Has addresses in a network; belongs to an instance, gateway, endpoint or load balancer. */
export interface NetworkInterfaceResource extends Owned {
  readonly kind: 'network-interface';
  readonly vpcId: string;
  readonly subnetId?: string | undefined;
  /** Private addresses, IPv4 and IPv6, the primary one first. */
  readonly addresses: readonly string[];
  /** Prefixes delegated to it, such as `10.0.1.16/28` for pods. */
  readonly prefixes?: readonly string[] | undefined;
  /** Its addresses on the internet. */
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

/** Identical when read from either end, in any account and Region. */
export interface VpcPeeringResource extends Named {
  readonly kind: 'vpc-peering';
  readonly requester: PeeredVpc;
  readonly accepter: PeeredVpc;
}

/**
 * The route with the longest matching destination applies. Routes to the prefix list of an AWS
 * service are left out, because the gateway endpoint lists its route tables. Other prefix lists are
 * expanded to one route per prefix.
 */
export interface RouteTableResource extends Owned {
  readonly kind: 'route-table';
  readonly vpcId: string;
  /** Applies to subnets that no route table of the network lists. */
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
  /** A VPN gateway, local gateway or core network: nothing is known beyond it. */
  | 'other'
  | 'blackhole';

export interface TransitGatewayResource extends Owned {
  readonly kind: 'transit-gateway';
}

/**
 * Joins a transit gateway with a network. A peering of two transit gateways is a kind of its own.
 */
export interface TransitGatewayAttachmentResource extends Owned {
  readonly kind: 'transit-gateway-attachment';
  readonly transitGatewayId: string;
  readonly attached: 'vpc' | 'vpn' | 'direct-connect' | 'connect';
  /** The id of the attached VPC, or of the other resource where AWS gives one. */
  readonly attachedId: string;
  /** The subnets of an attached VPC that hold the attachment's interfaces. */
  readonly subnetIds?: readonly string[] | undefined;
}

export interface TransitGatewayRouteTableResource extends Owned {
  readonly kind: 'transit-gateway-route-table';
  readonly transitGatewayId: string;
  /** Ids of the attachments (peerings too) whose traffic it routes. */
  readonly associations: readonly string[];
  /** Both static and propagated ones. */
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

/** `id` is the attachment id. Identical when read from either side. */
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
  /** Empty for private connectivity. */
  readonly publicAddresses: readonly string[];
}

/** Includes egress-only internet gateways (`eigw-…`). */
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
  /** The route tables with a route to a gateway endpoint. */
  readonly routeTableIds?: readonly string[] | undefined;
  /** Interfaces of an interface endpoint; those that name it as `ownerId` belong to it too. */
  readonly interfaceIds?: readonly string[] | undefined;
}

/** `id` is the part of its ARN after `loadbalancer/`, e.g. `app/web/50dc6c495c0c9188`. */
export interface LoadBalancerResource extends Owned {
  readonly kind: 'load-balancer';
  readonly vpcId?: string | undefined;
  readonly balancerType: 'application' | 'network' | 'gateway' | 'classic';
  /** Interfaces that name it as `ownerId` belong to it too. */
  readonly interfaceIds?: readonly string[] | undefined;
}

/** An entry of AWS's ip-ranges.json. `id` is `SERVICE REGION PREFIX`. */
export interface ServicePrefixResource extends Named {
  readonly kind: 'service-prefix';
  readonly prefix: string;
  /** The published name: `S3`, `DYNAMODB`, `EC2`, `CLOUDFRONT`, …, or `AMAZON` for all services. */
  readonly service: string;
  /** `GLOBAL` for a service without a Region. */
  readonly region: string;
  /** The Region, or a local zone's group such as us-east-1-bos-1. */
  readonly networkBorderGroup: string;
}

/** `id` is unique among all clusters: an ARN, or a name from the server's settings. */
export interface KubernetesClusterResource extends Owned {
  readonly kind: 'kubernetes-cluster';
  /** The name that agents on its nodes report (`k8s.cluster.name`). */
  readonly name: string;
  /** The network of its nodes. */
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
  /** Whether it shares the addresses of its node. */
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
  /** The endpoints of all its EndpointSlices. */
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint {
  readonly address: string;
  /** Absent when the endpoint is not a pod. */
  readonly podName?: string | undefined;
}
