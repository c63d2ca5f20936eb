import type { HostDescription, HostInterface } from '../model/report.ts';

/** A host in network `default`, zone `use1-az1`, with one address of 10.0.1.0/24. */
export function describeHost(overrides: Partial<HostDescription> = {}): HostDescription {
  return {
    instanceId: 'i-0123456789abcdef0',
    instanceType: '',
    machineId: 'a1b2c3',
    hostName: 'web-1',
    network: 'default',
    zone: 'use1-az1',
    interfaces: [link('10.0.1.7', 24)],
    ...overrides,
  };
}

/** An address of a link that makes a subnet. */
export function link(address: string, prefixLength: number): HostInterface {
  return { name: 'eth0', kind: 'link', address, prefixLength };
}
