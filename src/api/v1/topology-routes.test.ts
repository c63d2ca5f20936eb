import { describe, expect, test } from 'vitest';
import type { Scope } from '../../model/scope.ts';
import { AddressBook } from '../../topology/address-book.ts';
import type { Resource } from '../../topology/graph/resource.ts';
import type { ResourceVersion } from '../../topology/graph/resource-version.ts';
import type { SourceStatus } from '../../topology/graph/source-statement.ts';
import { FOREVER } from '../../topology/graph/validity.ts';
import { makeSnapshot, nic, subnet, vpc } from '../../topology/testing.ts';
import { TopologyView } from '../../topology/topology-view.ts';
import { callExtension, rawRequest } from '../testing.ts';
import { topologyRoutes } from './topology-routes.ts';

const NOW = 1_800_000_000;
const slice = { source: 'aws', slice: '123456789012/us-east-1' } as const;

function version(resource: Resource, fromSeconds = 0, toSeconds = FOREVER): ResourceVersion {
  return { ...slice, resource, fromSeconds, toSeconds };
}

const histories: readonly (readonly ResourceVersion[])[] = [
  [version(vpc('vpc-a', '10.0.0.0/16'))],
  [version(vpc('vpc-b', '10.0.0.0/16'))],
  [
    version(subnet('subnet-1', 'vpc-a', '10.0.1.0/24'), 0, NOW - 50),
    version({ ...subnet('subnet-1', 'vpc-a', '10.0.1.0/24'), name: 'web' }, NOW - 50),
  ],
  [
    version(
      nic('eni-1', 'vpc-a', { subnetId: 'subnet-1', addresses: ['10.0.1.7'], instanceId: 'i-1' }),
    ),
  ],
  [
    version(
      nic('eni-2', 'vpc-a', { subnetId: 'subnet-1', addresses: ['10.0.1.8'], instanceId: 'i-2' }),
      NOW - 100,
    ),
  ],
  [version(nic('eni-3', 'vpc-b', { addresses: ['10.0.1.8'], instanceId: 'i-3' }))],
];
const failing: SourceStatus = {
  ...slice,
  lastSuccessSeconds: NOW - 600,
  error: 'access denied in account 123456789012',
  failingSinceSeconds: NOW - 300,
  warnings: ['a VPC without subnets'],
  resources: 6,
};
const scope: Scope = {
  scopeId: 's-1',
  scopeArn: '',
  status: 'SUCCEEDED',
  targets: [{ account: '123456789012', region: 'us-east-1' }],
  tags: {},
};

async function ask(
  target: string,
  isManagementAccount = true,
  statuses: readonly SourceStatus[] = [failing, { ...failing, slice: 'other' }],
): Promise<unknown> {
  const snapshot = makeSnapshot(histories);
  const book = new AddressBook({ claims: [], onAmbiguous: () => {} });
  const routes = topologyRoutes({
    graph: {
      statuses: () => statuses,
      histories: () => histories,
    },
    view: () => new TopologyView(snapshot, book),
    issues: () => snapshot.issues,
    scopes: { get: async () => scope },
    administration: { isManagementAccount: async () => isManagementAccount },
    now: () => NOW * 1000,
  });
  const { text } = await callExtension(routes, rawRequest('GET', target));
  return JSON.parse(text);
}

test('the status counts resources, shows each source and warns of its age', async () => {
  expect(await ask('/api/v1/topology/status')).toMatchObject({
    resources: { vpc: 2, subnet: 1, 'network-interface': 3 },
    sources: [{ ...slice, lastSuccessAt: '2027-01-15T07:50:00.000Z', resources: 6 }, {}],
    warnings: [
      'aws 123456789012/us-east-1 cannot be read: access denied in account 123456789012; its resources of 600 s ago are still used',
      'aws 123456789012/us-east-1: a VPC without subnets',
      expect.any(String),
      expect.any(String),
    ],
    issues: { counts: {}, named: [] },
  });
});

test('the topology of a scope shows its targets and their sources', async () => {
  expect(await ask('/api/v1/scopes/s-1/topology', false)).toMatchObject({
    scopeId: 's-1',
    status: 'SUCCEEDED',
    sources: [{ slice: '123456789012/us-east-1' }],
    warnings: [expect.stringContaining('600 s ago'), expect.any(String)],
  });
});

test('a source that is not read any more is shown with its age, though no reading failed', async () => {
  const silent = {
    ...slice,
    lastSuccessSeconds: NOW - 1_000,
    warnings: [],
    resources: 6,
  };
  expect(await ask('/api/v1/scopes/s-1/topology', false, [silent])).toMatchObject({
    warnings: [
      'aws 123456789012/us-east-1 is not read any more; its resources of 1000 s ago are still used',
    ],
  });
  const young = { ...silent, lastSuccessSeconds: NOW - 800 };
  expect(await ask('/api/v1/topology/status', true, [young])).toMatchObject({ warnings: [] });
});

describe('an address', () => {
  test('is found in each network that has it', async () => {
    expect(await ask('/api/v1/topology/lookup?address=10.0.1.8')).toMatchObject({
      found: [
        {
          network: 'vpc-a',
          subnetId: 'subnet-1',
          az: 'use1-az1',
          interfaceId: 'eni-2',
          instanceId: 'i-2',
        },
        { network: 'vpc-b', interfaceId: 'eni-3', instanceId: 'i-3' },
      ],
    });
  });

  test('belongs to its owner at the given time', async () => {
    const at = new Date((NOW - 101) * 1000).toISOString();
    const answer = await ask(`/api/v1/topology/lookup?address=10.0.1.8&network=vpc-a&at=${at}`);
    expect(answer).toMatchObject({ at, found: [{ network: 'vpc-a', subnetId: 'subnet-1' }] });
    expect(JSON.stringify(answer)).not.toContain('i-2');
  });
});

test('a path has both ends and both directions', async () => {
  const answer = await ask('/api/v1/topology/path?from=10.0.1.7&to=10.0.1.8');
  expect(answer).toMatchObject({
    there: { constructs: ['i-1', 'eni-1', 'eni-2', 'i-2'].map((componentId) => ({ componentId })) },
    back: { constructs: ['i-2', 'eni-2', 'eni-1', 'i-1'].map((componentId) => ({ componentId })) },
  });
});

test('a diff names the changed members', async () => {
  const from = new Date((NOW - 101) * 1000).toISOString();
  expect(await ask(`/api/v1/topology/diff?from=${from}`)).toEqual({
    count: 2,
    changes: [
      { change: 'changed', kind: 'subnet', id: 'subnet-1', members: ['name'] },
      { change: 'added', kind: 'network-interface', id: 'eni-2', members: [] },
    ],
  });
});

test('a resource has its start time and source', async () => {
  expect(await ask('/api/v1/topology/show?kind=subnet')).toMatchObject({
    count: 1,
    resources: [
      { id: 'subnet-1', name: 'web', since: '2027-01-15T07:59:10.000Z', saidBy: { name: 'aws' } },
    ],
  });
});

test.each([
  ['lookup', 'address is required'],
  ['lookup?address=web', 'address must be an IPv4 or IPv6 address'],
  [
    'path?from=10.0.1.8&to=10.0.1.7',
    'network is required: 10.0.1.8 is in 2 networks: vpc-a, vpc-b',
  ],
  ['path?from=192.0.2.1&to=10.0.1.7', 'from: no known network has the address 192.0.2.1'],
  ['show?kind=planet', 'kind must be account'],
  ['diff', 'from is required'],
])('%s is rejected', async (target, message) => {
  await expect(ask(`/api/v1/topology/${target}`)).rejects.toThrow(message);
});

test('only the management account may read the whole topology', async () => {
  await expect(ask('/api/v1/topology/status', false)).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});
