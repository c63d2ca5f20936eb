import { addressScope, prefixOf } from '../model/address.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription } from '../model/report.ts';
import { instanceId, networkId, subnetId } from './made-ids.ts';

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

/** Reads a host's claim from its description. */
export function claimOf(owner: Owner, host: HostDescription): HostClaim {
  const networkName = host.network ?? '';
  const vpcId = networkName === '' ? '' : networkId(owner, networkName);
  // Its own id; else one made of what it does say.
  const name = host.instanceId || host.machineId;
  return {
    owner,
    instanceId: name === '' ? '' : instanceId(owner, name),
    hostName: host.hostName ?? '',
    vpcId,
    networkName,
    az: host.zone ?? '',
    cluster: host.k8sClusterName ?? '',
    addresses: vpcId === '' ? [] : claimedAddresses(vpcId, host),
  };
}

/** Loopback, link-local and container bridges' addresses are the host's own business. */
function claimedAddresses(vpcId: string, host: HostDescription): ClaimedAddress[] {
  return host.interfaces.flatMap(({ kind, address, prefixLength }) => {
    const scope = addressScope(address);
    if (kind !== 'link' || scope === 'loopback' || scope === 'link-local') return [];
    const prefix = prefixOf(address, prefixLength);
    const isHostRoute = prefixLength === (address.includes(':') ? 128 : 32);
    return [{ address, subnetId: isHostRoute ? '' : subnetId(vpcId, prefix), prefix }];
  });
}
