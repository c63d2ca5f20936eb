import type { AccountRelations } from '../model/account-relations.ts';
import type { HostDescription, HostInterface } from '../model/report.ts';
import type { Resource, ResourceOf } from './graph/resource.ts';
import type { ResourceVersion } from './graph/resource-version.ts';
import { FOREVER } from './graph/validity.ts';
import { GraphSnapshot } from './snapshot/graph-snapshot.ts';

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

/** An address on a link; its prefix is a subnet. */
export function link(address: string, prefixLength: number): HostInterface {
  return { name: 'eth0', kind: 'link', address, prefixLength };
}

const owner = { account: '111111111111', region: 'us-east-1' };

export function vpc(id: string, ...cidrs: readonly string[]): ResourceOf<'vpc'> {
  return { kind: 'vpc', id, ...owner, cidrs };
}

export function subnet(
  id: string,
  vpcId: string,
  ...cidrs: readonly string[]
): ResourceOf<'subnet'> {
  return { kind: 'subnet', id, ...owner, vpcId, cidrs, zoneId: 'use1-az1' };
}

export function nic(
  id: string,
  vpcId: string,
  parts: Partial<ResourceOf<'network-interface'>>,
): ResourceOf<'network-interface'> {
  const base = { kind: 'network-interface' as const, id, ...owner, vpcId, addresses: [] };
  return { ...base, ...parts };
}

/** A snapshot of resources that never change. */
export function snapshotOf(...resources: readonly Resource[]): GraphSnapshot {
  const times = { fromSeconds: 0, toSeconds: FOREVER };
  return makeSnapshot(
    resources.map((resource) => [{ source: 'aws', slice: 'a', resource, ...times }]),
  );
}

export function makeSnapshot(
  histories: Iterable<readonly ResourceVersion[]>,
  relations?: AccountRelations,
): GraphSnapshot {
  const steps = GraphSnapshot.make(histories, relations);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}
