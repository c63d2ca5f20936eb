import { addressScope } from '../model/address.ts';
import { ec2Arn } from '../model/arn.ts';
import type { DestinationCategory } from '../model/category.ts';
import {
  type Endpoint,
  type EnrichedFlow,
  LOOPBACK_IDENTIFIER,
  UNKNOWN_ENDPOINT,
} from '../model/enriched-flow.ts';
import type { Owner } from '../model/owner.ts';
import type { ReportedFlow } from '../model/report.ts';
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
}

/** Names both ends of each flow as of its time, and where it went. Pure: same input, same rows. */
export function enrich(input: EnrichInput, topology: TopologySnapshot): EnrichedFlow[] {
  const { host, timeSeconds } = input;
  const vantage: Vantage = { owner: host.owner, vpcId: host.vpcId, timeSeconds };
  return input.flows.map((flow) => {
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
