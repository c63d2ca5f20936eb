import { addressScope, prefixOf } from '../model/address.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription } from '../model/report.ts';
import { instanceId, networkId, subnetId } from './derived-ids.ts';

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
  return host.interfaces.flatMap(({ name, kind, address, prefixLength }) => {
    const scope = addressScope(address);
    if (kind !== 'link' || scope === 'loopback' || scope === 'link-local') return [];
    const prefix = prefixOf(address, prefixLength);
    const isHostRoute = prefixLength === (address.includes(':') ? 128 : 32);
    const made = isHostRoute ? '' : subnetId(vpcId, prefix);
    return [{ address, subnetId: cloudSubnet(vpcId, name, host) ?? made, prefix }];
  });
}

/**
 * The subnet as the cloud names it: of the interface of the default route, where the host has one
 * card in the network. Of several cards nobody says which interface is whose.
 */
function cloudSubnet(
  vpcId: string,
  name: string,
  { cards = [], defaultRoute = '' }: HostDescription,
): string | undefined {
  const [card, another] = cards.filter((own) => own.vpcId === vpcId && own.subnetId !== '');
  const isItsInterface = defaultRoute.split(' ')[1] === name;
  return another === undefined && isItsInterface ? card?.subnetId : undefined;
}
