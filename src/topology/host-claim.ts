import { addressScope, prefixOf } from '../model/address.ts';
import type { Owner } from '../model/owner.ts';
import type { HostDescription } from '../model/report.ts';
import { instanceId, networkId, subnetId } from './derived-ids.ts';

/** A host as its agent describes it, with ids derived only from that description. */
export interface HostClaim {
  readonly owner: Owner;
  readonly instanceId: string;
  readonly hostName: string;
  /** "" when the agent reports no network. */
  readonly vpcId: string;
  readonly networkName: string;
  readonly az: string;
  /** Name of the Kubernetes cluster that the host is a node of; "" for none. */
  readonly cluster: string;
  readonly addresses: readonly ClaimedAddress[];
}

export interface ClaimedAddress {
  readonly address: string;
  readonly subnetId: string;
  /** e.g. `10.0.1.0/24`. */
  readonly prefix: string;
}

export function claimOf(owner: Owner, host: HostDescription): HostClaim {
  const networkName = host.network ?? '';
  const vpcId = networkName === '' ? '' : networkId(owner, networkName);
  // A host without an instance id is identified by its machine id.
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

/** Leaves out loopback, link-local and bridge addresses, which other hosts cannot reach. */
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
 * The subnet id that the instance metadata gives for an interface. It is known only for the
 * interface of the default route, and only of hosts with one network card in the network: metadata
 * does not map several cards to interface names.
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
