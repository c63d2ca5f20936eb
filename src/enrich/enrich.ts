import { addressScope } from '../model/address.ts';
import { ec2Arn } from '../model/arn.ts';
import type { DestinationCategory } from '../model/category.ts';
import {
  type Endpoint,
  type EnrichedFlow,
  LOOPBACK_IDENTIFIER,
  NO_ADDRESS,
  UNKNOWN_ENDPOINT,
} from '../model/enriched-flow.ts';
import type { Owner } from '../model/owner.ts';
import type { CategoryHint, Remainder, ReportedFlow } from '../model/report.ts';
import type { TopologySnapshot, Vantage } from '../model/topology.ts';
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
  readonly remainders: readonly Remainder[];
}

/** Names both ends of each flow as of its time, and where it went. Pure: same input, same rows. */
export function enrich(input: EnrichInput, topology: TopologySnapshot): EnrichedFlow[] {
  const { host, timeSeconds } = input;
  const vantage: Vantage = { owner: host.owner, vpcId: host.vpcId, timeSeconds };
  const rows = input.flows.map((flow): EnrichedFlow => {
    const local = localEndpoint(flow, host, topology);
    // What the network routes by: beyond the host's own address translation.
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
      remote: remote ?? UNKNOWN_ENDPOINT,
      category,
      remoteIdentifier: isLoopback
        ? LOOPBACK_IDENTIFIER
        : remoteIdentifier(remote, category, host.owner),
    };
  });
  return [...rows, ...input.remainders.map((remainder) => remainderRow(remainder, input))];
}

const CATEGORY_OF_HINT: Readonly<Record<CategoryHint, DestinationCategory>> = {
  loopback: 'INTRA_AZ',
  private: 'UNCLASSIFIED',
  global: 'INTERNET',
};

/** A row of what was cut: the host's own, in its subnet if it has only one, to somewhere. */
function remainderRow(remainder: Remainder, { host, timeSeconds }: EnrichInput): EnrichedFlow {
  const { side, hint, flows, values } = remainder;
  const subnets = new Set([...host.subnetOf.values()].filter((subnet) => subnet !== ''));
  const [subnetId = ''] = subnets.size === 1 ? subnets : [];
  const { owner, vpcId, az, instanceId, cluster } = host;
  const local = { ...owner, vpcId, subnetId, az, instanceId };
  const category = CATEGORY_OF_HINT[hint];
  const addresses = { localAddress: NO_ADDRESS, remoteAddress: NO_ADDRESS };
  return {
    timeSeconds,
    owner,
    flow: { side, ...addresses, servicePort: 0, values },
    flowsCut: flows,
    local,
    cluster,
    remote: hint === 'loopback' ? local : UNKNOWN_ENDPOINT,
    category,
    remoteIdentifier:
      hint === 'loopback' ? LOOPBACK_IDENTIFIER : remoteIdentifier(undefined, category, owner),
  };
}

/** A container's address is in no subnet; what it is masqueraded as may be. */
function localEndpoint(
  { localAddress, snatAddress }: ReportedFlow,
  host: ReportingHost,
  topology: TopologySnapshot,
): Endpoint {
  const subnetId =
    host.subnetOf.get(localAddress) || host.subnetOf.get(snatAddress ?? localAddress) || '';
  return {
    account: host.owner.account,
    region: host.owner.region,
    vpcId: host.vpcId,
    subnetId,
    az: subnetId === '' ? host.az : topology.zoneOf(subnetId),
    instanceId: host.instanceId,
  };
}

/** Never the remote address: rows of workload insights must stay few. */
function remoteIdentifier(
  remote: Endpoint | undefined,
  category: DestinationCategory,
  owner: Owner,
): string {
  if (remote !== undefined && remote.subnetId !== '') {
    return ec2Arn(remote, 'subnet', remote.subnetId);
  }
  return category === 'UNCLASSIFIED' ? owner.region : '';
}
