import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import { type AccountRelations, UNRELATED } from '../model/account-relations.ts';
import type { HostDescription } from '../model/report.ts';
import { ClaimRepository } from './claim-repository.ts';
import type { Resource, ResourceOf } from './graph/resource.ts';
import type { ResourceVersion } from './graph/resource-version.ts';
import { FOREVER } from './graph/validity.ts';
import { describeHost, link, makeSnapshot, nic, subnet, vpc } from './testing.ts';
import { Topology } from './topology.ts';

const A = { account: '111111111111', region: 'us-east-1' };
const B = { account: '222222222222', region: 'us-east-1' };
const NOW = 1_800_000_000;
const VPC = 'vpc-aaaaaaaaaaaaaaaaa';
const INSTANCE = 'i-aaaaaaaaaaaaaaaaa';

let database: Database;
let metrics: Metrics;
let topology: Topology;
let resources: readonly Resource[];
let relations: AccountRelations;

beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  resources = [];
  relations = UNRELATED;
  await restart();
});

afterEach(async () => {
  await topology.stop();
  await database.destroy();
});

async function restart(): Promise<void> {
  metrics = new Metrics();
  const clock = new FakeClock(NOW * 1000);
  let made: { readonly of: readonly Resource[]; readonly snapshot: ReturnType<typeof snapshot> };
  topology = new Topology({
    claims: new ClaimRepository({ database, clock, retentionSeconds: 86_400 }),
    graph: () => {
      if (made?.of !== resources) made = { of: resources, snapshot: snapshot() };
      return made.snapshot;
    },
    claimLimits: { perAccount: 4, total: 6, perAddress: 2 },
    log: silentLog,
    metrics,
  });
  await topology.start();
}

function snapshot() {
  const versions: ResourceVersion[][] = resources.map((resource) => [
    { source: 'aws', slice: 'a', resource, fromSeconds: 0, toSeconds: FOREVER },
  ]);
  return makeSnapshot(versions, relations);
}

const described: readonly Resource[] = [
  vpc(VPC, '10.0.0.0/16'),
  subnet('subnet-a', VPC, '10.0.1.0/24'),
  nic('eni-a', VPC, { subnetId: 'subnet-a', addresses: ['10.0.1.7'], instanceId: INSTANCE }),
  nic('eni-p', VPC, { addresses: ['10.0.1.9'], publicAddresses: ['203.0.113.9'] }),
];

function hostAt(address: string, parts: Partial<HostDescription> = {}): HostDescription {
  return describeHost({ network: VPC, interfaces: [link(address, 24)], ...parts });
}

function located(owner: typeof A, address: string, vpcId = VPC) {
  return topology.snapshot().locate(address, { owner, vpcId, timeSeconds: NOW });
}

const own = { instanceId: 'i-bbbbbbbbbbbbbbbbb' };

describe('an agent of another account that names a network of the graph', () => {
  beforeEach(() => {
    resources = described;
    topology.observe(B, hostAt('10.0.1.66', own), NOW);
  });

  test('finds no instance, subnet or zone of it', () => {
    expect(located(B, '10.0.1.7')).toMatchObject({ account: B.account, instanceId: '' });
    expect(located(B, '10.0.1.7')?.subnetId).not.toBe('subnet-a');
    const vantage = { owner: B, vpcId: VPC, timeSeconds: NOW };
    expect(topology.snapshot().here('10.0.1.7', vantage)).toBeUndefined();
    expect(topology.snapshot().zoneOf('subnet-a', B.account)).toBe('');
    expect(located(A, '10.0.1.7')).toMatchObject({ instanceId: INSTANCE, az: 'use1-az1' });
  });

  test('gives no host to its addresses', () => {
    expect(located(A, '10.0.1.66')).toMatchObject({ subnetId: 'subnet-a', instanceId: '' });
    expect(located(B, '10.0.1.66')).toMatchObject(own);
  });

  test('is not placed by naming an instance of the network', () => {
    const forged = hostAt('10.0.1.7', { instanceId: INSTANCE, network: 'mine', zone: '' });
    expect(topology.observe(B, forged, NOW)).toMatchObject({ az: '' });
    expect(topology.observe(B, forged, NOW).vpcId).not.toBe(VPC);
    expect(topology.observe(A, forged, NOW)).toMatchObject({ vpcId: VPC, az: 'use1-az1' });
  });

  test('sees no path and no pods in it', () => {
    const end = (owner: typeof A, address: string) => {
      return { ...owner, address, vpcId: VPC, subnetId: 'subnet-a', az: '', instanceId: '' };
    };
    const view = topology.snapshot();
    const ids = (owner: typeof A) =>
      view
        .pathOf(end(owner, '10.0.1.66'), end(owner, '10.0.1.7'), NOW)
        .constructs.map(({ componentId }) => componentId);
    expect(ids(B)).toEqual([]);
    expect(ids(A)).toEqual(['eni-a', INSTANCE]);
  });

  test('does not change the image that the instances of the account have', () => {
    topology.observe(A, hostAt('10.0.1.7', { instanceId: INSTANCE, imageId: 'ami-a' }), NOW);
    topology.observe(B, hostAt('10.0.1.7', { instanceId: INSTANCE, imageId: 'ami-b' }), NOW);
    const imageOf = ({ account }: typeof A) =>
      topology.snapshot().instance({ account, instanceId: INSTANCE }, NOW)?.imageId;
    expect([imageOf(A), imageOf(B)]).toEqual(['ami-a', 'ami-b']);
  });

  test('finds by a public address only the published prefix, unless one organization has both', () => {
    expect(located(B, '203.0.113.9')).toBeUndefined();
    relations = { ...UNRELATED, areTogether: () => true };
    resources = [...described];
    expect(located(B, '203.0.113.9')).toMatchObject({ vpcId: VPC });
  });
});

test('route tables are not found by naming a subnet of another network', () => {
  const table = (
    id: string,
    vpcId: string,
    parts: Partial<ResourceOf<'route-table'>>,
  ): Resource => ({
    ...{ kind: 'route-table', id, ...A, vpcId, isMain: false, subnetIds: [], routes: [] },
    ...parts,
  });
  resources = [
    ...described,
    { ...vpc('vpc-b', '10.9.0.0/16'), ...B },
    table('rtb-a', VPC, {
      subnetIds: ['subnet-a'],
      routes: [{ destination: '0.0.0.0/0', target: 'internet-gateway', targetId: 'igw-a' }],
    }),
  ];
  const locate = (vpcId: string, owner: typeof A) =>
    topology
      .snapshot()
      .locate('198.51.100.1', { owner, vpcId, subnetId: 'subnet-a', timeSeconds: NOW });
  expect(locate('vpc-b', B)).toBeUndefined();
  expect(locate(VPC, A)).toMatchObject({ beyond: 'internet' });
});

describe('without a graph', () => {
  test('two accounts with the same network, addresses and instances are apart', () => {
    topology.observe(A, hostAt('10.0.1.7', { zone: 'use1-az1' }), NOW);
    topology.observe(B, hostAt('10.0.1.7', { zone: 'use1-az2' }), NOW);
    topology.observe(B, hostAt('10.0.1.8', { ...own, zone: 'use1-az2' }), NOW);
    expect(located(A, '10.0.1.7')).toMatchObject({ account: A.account, az: 'use1-az1' });
    expect(located(B, '10.0.1.7')).toMatchObject({ account: B.account, az: 'use1-az2' });
    expect(located(A, '10.0.1.8')).toMatchObject({ account: A.account, instanceId: '' });
    expect(located(A, '10.0.1.8', 'vpc-other')).toBeUndefined();
  });

  test('a restart keeps the claims of both accounts', async () => {
    topology.observe(A, hostAt('10.0.1.7'), NOW);
    topology.observe(B, hostAt('10.0.1.7'), NOW);
    await topology.stop();
    await restart();
    expect(located(A, '10.0.1.7')).toMatchObject({ account: A.account });
    expect(located(B, '10.0.1.7')).toMatchObject({ account: B.account });
  });
});

describe('the graph shares a network', () => {
  const sharedBy: Record<string, () => void> = {
    'by an interface of the other account in it': () => {
      resources = [...described, { ...nic('eni-b', VPC, { addresses: ['10.0.1.66'] }), ...B }];
    },
    'by an inventory': () => {
      resources = [{ ...vpc(VPC, '10.0.0.0/16'), sharedWith: [B.account] }, ...described.slice(1)];
    },
    'because the other account administers its owner': () => {
      relations = { ...UNRELATED, administers: (account) => account === B.account };
      resources = described;
    },
  };

  test.each(Object.keys(sharedBy))('%s', (name) => {
    sharedBy[name]?.();
    expect(located(B, '10.0.1.7')).toMatchObject({ instanceId: INSTANCE, subnetId: 'subnet-a' });
  });

  test('and then hosts of both accounts find each other', () => {
    sharedBy['by an inventory']?.();
    topology.observe(B, hostAt('10.0.1.66', own), NOW);
    expect(located(A, '10.0.1.66')).toMatchObject({ subnetId: 'subnet-a', ...own });
  });
});

describe('claims are bounded', () => {
  const claim = (owner: typeof A, ...addresses: readonly string[]) => {
    for (const address of addresses) topology.observe(owner, hostAt(address), NOW);
  };
  const refused = (bound: string) => metrics.value('nfm_topology_claims_refused_total', { bound });

  test('an account that claims too much takes no claim of another', async () => {
    claim(A, '10.0.1.1', '10.0.1.2');
    for (let i = 1; i < 100; i += 1) claim(B, `10.0.1.${i}`);
    expect(located(A, '10.0.1.1')?.instanceId).not.toBe('');
    expect(await metrics.value('nfm_topology_claims')).toBe(6);
    expect(await refused('account')).toBe(95);
  });

  test('a full table gives the smallest account room, also after a restart', async () => {
    claim(B, '10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4');
    await topology.save();
    claim(A, '10.0.1.1', '10.0.1.2', '10.0.1.3');
    expect(await refused('server')).toBe(1);
    expect(located(A, '10.0.1.3')?.instanceId).not.toBe('');
    await topology.stop();
    await restart();
    expect(await metrics.value('nfm_topology_claims')).toBe(6);
    expect(located(B, '10.0.1.1')?.instanceId).toBe('');
  });

  test('an address that many hosts claim keeps the newest', async () => {
    for (const [i, id] of ['1', '2', '3'].entries()) {
      topology.observe(A, hostAt('10.0.1.7', { instanceId: `i-0000000000000000${id}` }), NOW + i);
    }
    expect(await refused('address')).toBe(1);
    expect(await metrics.value('nfm_topology_claims')).toBe(2);
  });
});
