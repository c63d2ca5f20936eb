import type { InterfaceKind } from '../../model/report.ts';

/** One network device of /sys/class/net. */
export interface NetworkDevice {
  readonly name: string;
  /** Hardware address, six bytes as text. */
  readonly mac: string;
  readonly isLoopback: boolean;
  readonly isBridge: boolean;
  /** Backed by real or virtual hardware: sysfs has a `device` for it. */
  readonly isPhysical: boolean;
  /** The bridge or bond that the device is a member of. */
  readonly master?: string | undefined;
  /** The devices below a VLAN or tunnel. */
  readonly lower: readonly string[];
}

/**
 * Classifies the devices of a host. A container bridge has no physical member, neither directly nor
 * through a VLAN or bond, so only workloads of this host are behind it. The bridge of a virtual
 * machine host has the network card as a member, and its addresses are the host's own.
 */
export function interfaceKinds(
  devices: readonly NetworkDevice[],
): ReadonlyMap<string, InterfaceKind> {
  const byName = new Map(devices.map((device) => [device.name, device]));
  const containerBridges = new Set(
    devices
      .filter((device) => device.isBridge && !devices.some((one) => joins(one, device, byName)))
      .map(({ name }) => name),
  );
  return new Map(devices.map((device) => [device.name, kindOf(device, containerBridges)]));
}

function kindOf(device: NetworkDevice, containerBridges: ReadonlySet<string>): InterfaceKind {
  if (device.isLoopback) return 'loopback';
  if (containerBridges.has(device.name)) return 'container-bridge';
  return device.master !== undefined && containerBridges.has(device.master) ? 'enslaved' : 'link';
}

function joins(
  device: NetworkDevice,
  bridge: NetworkDevice,
  byName: ReadonlyMap<string, NetworkDevice>,
): boolean {
  return device.master === bridge.name && leadsToHardware(device, byName, 0);
}

/** Devices stacked deeper than this count as virtual. */
const MAX_DEPTH = 8;

function leadsToHardware(
  device: NetworkDevice,
  byName: ReadonlyMap<string, NetworkDevice>,
  depth: number,
): boolean {
  if (device.isPhysical) return true;
  if (depth >= MAX_DEPTH) return false;
  return device.lower.some((name) => {
    const lower = byName.get(name);
    return lower !== undefined && leadsToHardware(lower, byName, depth + 1);
  });
}
