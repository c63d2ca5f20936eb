import type { NetworkInterfaceInfo } from 'node:os';
import { expect, test } from 'vitest';
import { hostInterfaces } from './describe-host.ts';
import { interfaceKinds, type NetworkDevice } from './interface-kinds.ts';

function device(name: string, over: Partial<NetworkDevice> = {}): NetworkDevice {
  const none = { isLoopback: false, isBridge: false, isPhysical: false, lower: [] };
  return { name, mac: '02:00:00:00:00:01', ...none, ...over };
}

test.each([
  { name: 'a network card', devices: [device('eth0', { isPhysical: true })], kind: 'link' },
  { name: 'a veth in a container', devices: [device('eth0')], kind: 'link' },
  { name: 'loopback', devices: [device('lo', { isLoopback: true })], kind: 'loopback' },
  {
    name: 'a bridge of containers',
    devices: [device('docker0', { isBridge: true }), device('veth1', { master: 'docker0' })],
    kind: 'container-bridge',
  },
  {
    name: 'a bridge without members',
    devices: [device('br0', { isBridge: true })],
    kind: 'container-bridge',
  },
  {
    name: 'a device enslaved to a bridge of containers',
    devices: [device('veth1', { master: 'docker0' }), device('docker0', { isBridge: true })],
    kind: 'enslaved',
  },
  {
    name: 'a bridge with a network card',
    devices: [
      device('br0', { isBridge: true }),
      device('eth0', { isPhysical: true, master: 'br0' }),
      device('vnet1', { master: 'br0' }),
    ],
    kind: 'link',
  },
  {
    name: 'a bridge over a VLAN of a bond of cards',
    devices: [
      device('br0', { isBridge: true }),
      device('bond0.7', { master: 'br0', lower: ['bond0'] }),
      device('bond0', { lower: ['eth0'] }),
      device('eth0', { isPhysical: true, master: 'bond0' }),
    ],
    kind: 'link',
  },
  {
    name: 'a card of a bond',
    devices: [device('eth0', { isPhysical: true, master: 'bond0' }), device('bond0')],
    kind: 'link',
  },
])('$name: $kind', ({ devices, kind }) => {
  expect(interfaceKinds(devices).get(devices[0]!.name)).toBe(kind);
});

function info(over: Partial<NetworkInterfaceInfo>): NetworkInterfaceInfo {
  const base = { address: '10.0.0.1', cidr: '10.0.0.1/24', netmask: '', internal: false };
  return { ...base, mac: '02:00:00:00:00:01', family: 'IPv4', ...over } as NetworkInterfaceInfo;
}

test('addresses come with their prefix length and kind', () => {
  const bridge = device('docker0', { isBridge: true });
  expect(hostInterfaces({ docker0: [info({})] }, [bridge])).toEqual([
    { name: 'docker0', kind: 'container-bridge', address: '10.0.0.1', prefixLength: 24 },
  ]);
});

test("another namespace's device of the same name is ignored", () => {
  const elsewhere = device('eth0', { isBridge: true, mac: '02:00:00:00:00:99' });
  expect(hostInterfaces({ eth0: [info({})] }, [elsewhere])[0]?.kind).toBe('link');
});
