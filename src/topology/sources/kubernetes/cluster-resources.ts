import type { V1EndpointSlice, V1Node, V1Pod, V1Service } from '@kubernetes/client-node';
import { appendTo } from '../../../lib/append-to.ts';
import { canonicalAddress } from '../../../model/address.ts';
import type { Owner } from '../../../model/owner.ts';
import { instanceId } from '../../derived-ids.ts';
import type {
  KubernetesNodeResource,
  KubernetesPodResource,
  KubernetesServiceResource,
  ServiceEndpoint,
} from '../../graph/resource.ts';

/** A cluster and its owner. */
export interface Cluster extends Owner {
  /** The name that agents on its nodes report. */
  readonly name: string;
  /** Unique over all clusters: an ARN, or the name. */
  readonly id: string;
  /** The network of its nodes, where their instances do not give it. */
  readonly vpcId?: string | undefined;
}

/** Labels with the group of a node. */
const NODE_POOL_LABELS = [
  'eks.amazonaws.com/nodegroup',
  'karpenter.sh/nodepool',
  'cloud.google.com/gke-nodepool',
  'kubernetes.azure.com/agentpool',
];

export function nodeResource(cluster: Cluster, node: V1Node): KubernetesNodeResource {
  const { name, labels } = namesOf(node);
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type }) => type === 'InternalIP')
    .map(({ address }) => address);
  return {
    kind: 'kubernetes-node',
    id: `${cluster.id}/${name}`,
    clusterId: cluster.id,
    name,
    instanceId: instanceOf(cluster, node),
    addresses: canonical(addresses),
    nodePool: NODE_POOL_LABELS.map((label) => labels[label]).find((pool) => pool !== undefined),
    zoneName: labels['topology.kubernetes.io/zone'],
  };
}

/** The EC2 instance id, else the id that an agent on the node derives from the same machine id. */
function instanceOf(cluster: Cluster, node: V1Node): string | undefined {
  const ec2 = /^aws:\/\/.*\/(i-\w+)$/.exec(node.spec?.providerID ?? '')?.[1];
  if (ec2 !== undefined) return ec2;
  const machineId = node.status?.nodeInfo?.machineID ?? '';
  return machineId === '' ? undefined : instanceId(cluster, machineId);
}

/** Undefined before a pod has an address, and after it has ended. */
export function podResource(cluster: Cluster, pod: V1Pod): KubernetesPodResource | undefined {
  const { namespace, name } = namesOf(pod);
  const { phase, podIPs = [] } = pod.status ?? {};
  const nodeName = pod.spec?.nodeName;
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  if (isOver || nodeName === undefined || podIPs.length === 0) return undefined;
  return {
    kind: 'kubernetes-pod',
    id: `${cluster.id}/${namespace}/${name}`,
    clusterId: cluster.id,
    namespace,
    name,
    nodeName,
    addresses: canonical(podIPs.map(({ ip }) => ip)),
    hostNetwork: pod.spec?.hostNetwork === true,
  };
}

/** A service without its endpoints, which come from EndpointSlices. */
export type ServiceAlone = Omit<KubernetesServiceResource, 'endpoints'>;

export function serviceAlone(cluster: Cluster, service: V1Service): ServiceAlone {
  const { namespace, name } = namesOf(service);
  const { clusterIPs = [] } = service.spec ?? {};
  return {
    kind: 'kubernetes-service',
    id: `${cluster.id}/${namespace}/${name}`,
    clusterId: cluster.id,
    namespace,
    name,
    // A headless service has the address "None".
    clusterAddresses: canonical(clusterIPs),
  };
}

/** The endpoints of one slice of a service. */
export interface SliceEndpoints {
  /** Id of the service. */
  readonly serviceId: string;
  readonly endpoints: readonly ServiceEndpoint[];
}

/** Undefined for a slice without a service, and for one of host names. */
export function sliceEndpoints(
  cluster: Cluster,
  slice: V1EndpointSlice,
): SliceEndpoints | undefined {
  const { namespace, labels } = namesOf(slice);
  const service = labels['kubernetes.io/service-name'];
  if (service === undefined || slice.addressType === 'FQDN') return undefined;
  const endpoints = (slice.endpoints ?? []).flatMap(({ addresses, targetRef }) => {
    const podName = targetRef?.kind === 'Pod' ? targetRef.name : undefined;
    return canonical(addresses).map((address) => ({ address, podName }));
  });
  return { serviceId: `${cluster.id}/${namespace}/${service}`, endpoints };
}

/** Joins services with the endpoints of all their slices. */
export function serviceResources(
  services: Iterable<ServiceAlone>,
  slices: Iterable<SliceEndpoints | undefined>,
): KubernetesServiceResource[] {
  const byService = new Map<string, ServiceEndpoint[]>();
  for (const slice of slices) {
    if (slice === undefined) continue;
    for (const endpoint of slice.endpoints) appendTo(byService, slice.serviceId, endpoint);
  }
  return [...services].map((service) => ({
    ...service,
    endpoints: byService.get(service.id) ?? [],
  }));
}

interface KubernetesObject {
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

function namesOf({ metadata }: KubernetesObject) {
  const { namespace = '', name = '', labels = {} } = metadata ?? {};
  return { namespace, name, labels };
}

/** `NAMESPACE/NAME`: unique within a kind. */
export function objectKey(object: KubernetesObject): string {
  const { namespace, name } = namesOf(object);
  return `${namespace}/${name}`;
}

function canonical(addresses: readonly string[]): string[] {
  return addresses.flatMap((address) => canonicalAddress(address) ?? []);
}
