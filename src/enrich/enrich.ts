import { addressScope } from '../model/address.ts';
import { ec2Arn } from '../model/arn.ts';
import type { DestinationCategory } from '../model/category.ts';
import {
  type EnrichedFlow,
  LOOPBACK_IDENTIFIER,
  UNKNOWN_ENDPOINT,
} from '../model/enriched-flow.ts';
import type { Owner } from '../model/owner.ts';
import type { PodNames, ReportedFlow } from '../model/report.ts';
import type { Located, PathEnd, TopologySnapshot, Vantage } from '../model/topology.ts';
import { classify } from './classify.ts';

/** The host that reported, as the topology knows it: its own addresses and their subnets. */
export interface ReportingHost {
  readonly owner: Owner;
  readonly instanceId: string;
  readonly vpcId: string;
  readonly az: string;
  /** The Kubernetes cluster it is a node of; "" outside of one. */
  readonly cluster: string;
  /** The subnet of each of its link addresses. */
  readonly subnetOf: ReadonlyMap<string, string>;
}

export interface EnrichInput {
  readonly host: ReportingHost;
  readonly timeSeconds: number;
  readonly flows: readonly ReportedFlow[];
}

/** The host's own end of a flow, and what is seen from there: the same for all flows of an address. */
interface OwnEnd {
  readonly local: PathEnd & { readonly isLocalZone: boolean };
  readonly vantage: Vantage;
}

/** Names both ends of each flow as of its time, and where it went. Pure: same input, same rows. */
export function enrich(input: EnrichInput, topology: TopologySnapshot): EnrichedFlow[] {
  const { host, timeSeconds } = input;
  const ends = new Map<string, OwnEnd>();
  return input.flows.map((flow) => {
    const known = ends.get(flow.localAddress);
    const { local, vantage } = known ?? ownEnd(flow.localAddress, input, topology);
    if (known === undefined) ends.set(flow.localAddress, { local, vantage });
    const remoteScope = addressScope(flow.remoteAddress);
    const isLoopback = remoteScope === 'loopback';
    const remote = isLoopback ? local : topology.locate(flow.remoteAddress, vantage);
    const category = classify({ local, remote, remoteScope });
    return {
      timeSeconds,
      owner: host.owner,
      flow,
      local,
      cluster: host.cluster,
      remote: remote ?? UNKNOWN_ENDPOINT,
      category,
      pods: podNames(
        flow,
        isLoopback ? undefined : topology.podNamesOf(local, flow.remoteAddress, timeSeconds),
      ),
      remoteIdentifier: isLoopback
        ? LOOPBACK_IDENTIFIER
        : remoteIdentifier(remote, category, host.owner),
    };
  });
}

function ownEnd(address: string, input: EnrichInput, topology: TopologySnapshot): OwnEnd {
  const { host, timeSeconds } = input;
  const { account, region } = host.owner;
  const here = topology.here(address, host.vpcId, timeSeconds);
  const subnetId = here?.subnetId || host.subnetOf.get(address) || '';
  const az = here?.az || (subnetId === '' ? host.az : topology.zoneOf(subnetId));
  const isLocalZone = topology.isLocalZone(az);
  const { vpcId, instanceId } = host;
  const local = { address, account, region, vpcId, subnetId, az, instanceId, isLocalZone };
  return { local, vantage: { owner: host.owner, vpcId, subnetId, timeSeconds } };
}

/** Each end as the report names it; one that it does not name, as Kubernetes does. */
function podNames({ pods: said }: ReportedFlow, known: PodNames | undefined): PodNames | undefined {
  if (said === undefined || known === undefined) return said ?? known;
  const isLocalSaid = said.localPodName !== '' || said.localServiceName !== '';
  const isRemoteSaid = said.remotePodName !== '' || said.remoteServiceName !== '';
  const local = isLocalSaid ? said : known;
  const remote = isRemoteSaid ? said : known;
  return {
    localPodName: local.localPodName,
    localPodNamespace: local.localPodNamespace,
    localServiceName: local.localServiceName,
    remotePodName: remote.remotePodName,
    remotePodNamespace: remote.remotePodNamespace,
    remoteServiceName: remote.remoteServiceName,
  };
}

/** How workload insights name where a flow went. Never the remote address: rows must stay few. */
function remoteIdentifier(
  remote: Located | undefined,
  category: DestinationCategory,
  owner: Owner,
): string {
  if (remote !== undefined && remote.subnetId !== '') {
    return ec2Arn(remote, 'subnet', remote.subnetId);
  }
  switch (category) {
    case 'INTER_REGION':
      return remote?.region ?? '';
    case 'AMAZON_S3':
    case 'AMAZON_DYNAMODB':
    case 'UNCLASSIFIED':
      return owner.region;
    case 'AWS_SERVICE':
      return remote?.service ?? '';
    case 'TRANSIT_GATEWAY':
      return remote?.gatewayArn ?? '';
    default:
      return '';
  }
}
