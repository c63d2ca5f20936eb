import { readFileSync } from 'node:fs';
import { hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { canonicalAddress } from '../../model/address.ts';
import type { HostDescription, HostInterface } from '../../model/report.ts';
import { defaultRouteV4, defaultRouteV6 } from './default-route.ts';
import type { HostIdentity } from './host-identity.ts';
import { interfaceKinds, type NetworkDevice } from './interface-kinds.ts';
import { networkDevices } from './network-devices.ts';

/** Describes this host. Reads it anew, as addresses and routes may change between reports. */
export function describeHost(identity: HostIdentity): HostDescription {
  return {
    ...identity,
    machineId: readOrEmpty('/etc/machine-id').trim(),
    hostName: hostname(),
    computePlatform: computePlatform(identity),
    interfaces: hostInterfaces(networkInterfaces(), networkDevices()),
    defaultRoute:
      defaultRouteV4(readOrEmpty('/proc/net/route')) ??
      defaultRouteV6(readOrEmpty('/proc/net/ipv6_route')),
  };
}

/** Undefined outside of EC2: the existing agent knows only EC2's platforms. */
function computePlatform(identity: HostIdentity): string | undefined {
  if (identity.instanceType === '') return undefined;
  if (identity.k8sNodeName === undefined) return 'EC2_PLAIN';
  return identity.k8sClusterName === undefined ? 'EC2_K8S_VANILLA' : 'EC2_K8S_EKS';
}

/**
 * The host's addresses with prefix and kind. A device that sysfs lacks, or shows with another
 * hardware address (see `networkDevices`), counts as a link or loopback.
 */
export function hostInterfaces(
  addresses: NodeJS.Dict<NetworkInterfaceInfo[]>,
  devices: readonly NetworkDevice[],
): readonly HostInterface[] {
  const kinds = interfaceKinds(devices);
  const macs = new Map(devices.map(({ name, mac }) => [name, mac]));
  return Object.entries(addresses).flatMap(([name, infos = []]) =>
    infos.flatMap((info) => {
      const address = canonicalAddress(info.address);
      const prefixLength = Number(info.cidr?.split('/')[1]);
      if (address === undefined || Number.isNaN(prefixLength)) return [];
      const known = macs.get(name) === info.mac ? kinds.get(name) : undefined;
      const kind = known ?? (info.internal ? 'loopback' : 'link');
      return [{ name, kind, address, prefixLength }];
    }),
  );
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
