import { addressScope, prefixOf } from '../model/address.ts';
import { stableId } from '../model/ids.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription } from '../model/report.ts';

/** What a host says of itself, with ids made of it: the same wherever they are computed. */
export interface HostClaim {
  readonly owner: Owner;
  readonly instanceId: string;
  readonly hostName: string;
  /** "" when the agent does not say which network it is in. */
  readonly vpcId: string;
  readonly networkName: string;
  readonly az: string;
  /** The Kubernetes cluster it is a node of; "" outside of one. */
  readonly cluster: string;
  readonly addresses: readonly ClaimedAddress[];
}

export interface ClaimedAddress {
  readonly address: string;
  readonly subnetId: string;
  /** e.g. `10.0.1.0/24`. */
  readonly prefix: string;
}

const INSTANCE_ID = /^i-[a-zA-Z0-9]{8,32}$/;

/** Reads a host's claim from its description. */
export function claimOf(owner: Owner, host: HostDescription): HostClaim {
  const { account, region } = owner;
  const networkName = host.network ?? '';
  const vpcId = networkName === '' ? '' : stableId('vpc', account, region, networkName);
  return {
    owner,
    instanceId: instanceIdOf(owner, host),
    hostName: host.hostName ?? '',
    vpcId,
    networkName,
    az: host.zone ?? '',
    cluster: host.k8sClusterName ?? '',
    addresses: vpcId === '' ? [] : claimedAddresses(vpcId, host),
  };
}

/** Its own id where it has AWS's form; else one made of what it does say. "" when it says nothing. */
function instanceIdOf({ account, region }: Owner, host: HostDescription): string {
  if (INSTANCE_ID.test(host.instanceId)) return host.instanceId;
  const name = host.instanceId || host.machineId;
  return name === '' ? '' : stableId('i', account, region, name);
}

/** Loopback, link-local and container bridges' addresses are the host's own business. */
function claimedAddresses(vpcId: string, host: HostDescription): ClaimedAddress[] {
  return host.interfaces.flatMap(({ kind, address, prefixLength }) => {
    const scope = addressScope(address);
    if (kind !== 'link' || scope === 'loopback' || scope === 'link-local') return [];
    const prefix = prefixOf(address, prefixLength);
    const isHostRoute = prefixLength === (address.includes(':') ? 128 : 32);
    const subnetId = isHostRoute ? '' : stableId('subnet', vpcId, prefix);
    return [{ address, subnetId, prefix }];
  });
}
