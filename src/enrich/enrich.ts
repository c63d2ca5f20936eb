import { addressScope } from '../model/address.ts';
import { ec2Arn } from '../model/arn.ts';
import type { DestinationCategory } from '../model/category.ts';
import { type EnrichedFlow, LOOPBACK_IDENTIFIER, UNKNOWN_END } from '../model/enriched-flow.ts';
import type { Owner } from '../model/owner.ts';
import type { PodNames, Remainder, ReportedFlow } from '../model/report.ts';
import type { Located, PathEnd, TopologySnapshot, Vantage } from '../model/topology.ts';
import { classify } from './classify.ts';
import { remainderRow } from './remainder-row.ts';
import type { ReportingHost } from './reporting-host.ts';

export interface EnrichInput {
  readonly host: ReportingHost;
  readonly timeSeconds: number;
  readonly flows: readonly ReportedFlow[];
  readonly remainders: readonly Remainder[];
}

/**
 * The local end of a flow, and the vantage of its lookups. All flows of a local address share them.
 */
interface LocalEnd {
  readonly local: PathEnd & { readonly isLocalZone: boolean };
  readonly vantage: Vantage;
}

/** Adds both ends and the category to each flow, as of its time. A pure function. */
export function enrich(input: EnrichInput, topology: TopologySnapshot): EnrichedFlow[] {
  const { host, timeSeconds } = input;
  const ends = new Map<string, LocalEnd>();
  const rows = input.flows.map((flow): EnrichedFlow => {
    const { local, vantage } = localEndOf(flow, ends, () => localEnd(flow, input, topology));
    // The network routes by the address after the host's own translation.
    const remoteAddress = flow.dnatAddress ?? flow.remoteAddress;
    const remoteScope = addressScope(remoteAddress);
    const isLoopback = remoteScope === 'loopback';
    const remote = isLoopback ? local : topology.locate(remoteAddress, vantage);
    const category = classify({ local, remote, remoteScope });
    return {
      timeSeconds,
      owner: host.owner,
      flow,
      local,
      cluster: host.cluster,
      remote: remote ?? UNKNOWN_END,
      category,
      pods: podNames(
        flow,
        isLoopback ? undefined : topology.podNamesOf(local, remoteAddress, timeSeconds),
      ),
      remoteIdentifier: isLoopback
        ? LOOPBACK_IDENTIFIER
        : remoteIdentifier(remote, category, host.owner),
    };
  });
  const cut = input.remainders.map((remainder) => remainderRow(remainder, host, timeSeconds));
  return [...rows, ...cut];
}

/** Makes the local end once for all flows of an address. */
function localEndOf(
  flow: ReportedFlow,
  known: Map<string, LocalEnd>,
  make: () => LocalEnd,
): LocalEnd {
  const { localAddress, snatAddress } = flow;
  const key = snatAddress === undefined ? localAddress : `${localAddress} ${snatAddress}`;
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

/** The address of a container is in no subnet, but the address it is masqueraded as may be. */
function localEnd(flow: ReportedFlow, input: EnrichInput, topology: TopologySnapshot): LocalEnd {
  const { host, timeSeconds } = input;
  const { account, region } = host.owner;
  const beyond = flow.snatAddress ?? flow.localAddress;
  const vantage = { owner: host.owner, vpcId: host.vpcId, timeSeconds };
  const here = topology.here(flow.localAddress, vantage) ?? topology.here(beyond, vantage);
  const claimed = host.subnetOf.get(flow.localAddress) || host.subnetOf.get(beyond);
  const subnetId = here?.subnetId || claimed || '';
  const az = here?.az || (subnetId === '' ? host.az : topology.zoneOf(subnetId, account));
  const isLocalZone = topology.isLocalZone(az);
  const { vpcId, instanceId } = host;
  const where = { account, region, vpcId, subnetId, az, instanceId, isLocalZone };
  return {
    local: { address: flow.localAddress, ...where },
    vantage: { ...vantage, subnetId },
  };
}

/** Takes the names of each end from the report, or from Kubernetes if the report has none. */
function podNames(
  { pods: reported }: ReportedFlow,
  known: PodNames | undefined,
): PodNames | undefined {
  if (reported === undefined || known === undefined) return reported ?? known;
  const namesLocal = reported.localPodName !== '' || reported.localServiceName !== '';
  const namesRemote = reported.remotePodName !== '' || reported.remoteServiceName !== '';
  const local = namesLocal ? reported : known;
  const remote = namesRemote ? reported : known;
  return {
    localPodName: local.localPodName,
    localPodNamespace: local.localPodNamespace,
    localServiceName: local.localServiceName,
    remotePodName: remote.remotePodName,
    remotePodNamespace: remote.remotePodNamespace,
    remoteServiceName: remote.remoteServiceName,
  };
}

/**
 * The name of the destination in workload insights. Each name becomes a row, so the remote address
 * is never used as a name.
 */
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
