import { describe, expect, test } from 'vitest';
import { type EnrichedFlow, UNKNOWN_END } from '../model/enriched-flow.ts';
import { VALUES_LENGTH } from '../model/flow-metrics.ts';
import type { CategoryHint, PodNames, ReportedFlow } from '../model/report.ts';
import type { Located, TopologySnapshot, Vantage } from '../model/topology.ts';
import { enrich } from './enrich.ts';
import { hostStatsRows } from './host-stats-rows.ts';
import type { ReportingHost } from './reporting-host.ts';

const owner = { account: '000000000000', region: 'us-east-1' };
const host: ReportingHost = {
  owner,
  instanceId: 'i-1',
  vpcId: 'vpc-a',
  az: 'use1-az1',
  cluster: 'blue',
  subnetOf: new Map([
    ['10.0.1.7', 'subnet-1'],
    ['10.9.9.9', ''],
  ]),
};

function neighbour(parts: Partial<Located>): Located {
  const base = {
    ...owner,
    vpcId: 'vpc-a',
    subnetId: 'subnet-2',
    az: 'use1-az2',
    instanceId: 'i-2',
  };
  return { ...base, ...parts };
}

function flow(parts: Partial<ReportedFlow> = {}): ReportedFlow {
  return {
    side: 'client',
    localAddress: '10.0.1.7',
    remoteAddress: '10.0.2.7',
    servicePort: 443,
    values: new Float64Array(VALUES_LENGTH),
    ...parts,
  };
}

interface Knowledge {
  readonly known?: Readonly<Record<string, Located>> | undefined;
  /** Addresses of the local network that sources other than agents describe. */
  readonly heres?: Readonly<Record<string, Located>>;
  readonly names?: PodNames | undefined;
}

/** A topology with these addresses; `asked` records the lookups. */
function topologyOf({ known = {}, heres = {}, names }: Knowledge) {
  const asked: Vantage[] = [];
  const snapshot: TopologySnapshot = {
    locate(address, vantage) {
      asked.push(vantage);
      return known[address];
    },
    here: (address) => heres[address],
    zoneOf: (subnetId) => ({ 'subnet-1': 'use1-az9' })[subnetId] ?? '',
    isLocalZone: (zoneId) => zoneId === 'use1-bos1-az1',
    podNamesOf: () => names,
    pathOf: () => ({ constructs: [], snatAddress: '', dnatAddress: '' }),
  };
  return { snapshot, asked };
}

function enrichOne(parts: Partial<ReportedFlow>, knowledge: Knowledge = {}) {
  const { snapshot } = topologyOf(knowledge);
  const [row] = enrich(
    { host, timeSeconds: 1_800_000_000, flows: [flow(parts)], remainders: [] },
    snapshot,
  );
  return row as EnrichedFlow;
}

test('the local end has the subnet of its address, and the zone of that subnet', () => {
  expect(enrichOne({}).local).toMatchObject({
    ...owner,
    vpcId: 'vpc-a',
    subnetId: 'subnet-1',
    az: 'use1-az9',
    instanceId: 'i-1',
  });
});

test.each([
  ['a host route', '10.9.9.9'],
  ['an address it did not describe, of a container', '172.17.0.2'],
  ['loopback', '127.0.0.1'],
])('from %s the subnet is unknown, and the zone is the one the host reports', (_, localAddress) => {
  expect(enrichOne({ localAddress }).local).toMatchObject({ subnetId: '', az: 'use1-az1' });
});

test('the remote end is the owner of the address after translation', () => {
  const nat = { remoteAddress: '172.20.0.10', dnatAddress: '10.0.2.7' };
  const row = enrichOne(nat, { known: { '10.0.2.7': neighbour({}) } });
  expect(row).toMatchObject({ category: 'INTER_AZ', remote: { instanceId: 'i-2' } });
});

test('a container has the subnet of the address it is masqueraded as', () => {
  const nat = { localAddress: '172.17.0.2', snatAddress: '10.0.1.7' };
  expect(enrichOne(nat).local).toMatchObject({ subnetId: 'subnet-1' });
});

test('the remote end is looked up from the subnet and at the time of the flow', () => {
  const { snapshot, asked } = topologyOf({});
  enrich({ host, timeSeconds: 1_800_000_000, flows: [flow()], remainders: [] }, snapshot);
  expect(asked).toEqual([
    { owner, vpcId: 'vpc-a', subnetId: 'subnet-1', timeSeconds: 1_800_000_000 },
  ]);
});

const SUBNET_ARN = 'arn:aws:ec2:us-east-1:000000000000:subnet/subnet-2';
test.each([
  { name: 'a known subnet: its ARN', known: neighbour({}), identifier: SUBNET_ARN },
  {
    name: 'a known subnet, unknown instance: its ARN',
    known: neighbour({ instanceId: '' }),
    identifier: SUBNET_ARN,
  },
  {
    name: 'a known subnet of another VPC: its ARN',
    known: neighbour({ vpcId: 'vpc-b' }),
    identifier: SUBNET_ARN,
  },
  {
    name: 'a subnet of another account and Region: theirs',
    known: neighbour({ account: '111111111111', region: 'eu-west-1' }),
    identifier: 'arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-2',
  },
  {
    name: 'a host route of another VPC: none',
    known: neighbour({ vpcId: 'vpc-b', subnetId: '' }),
    identifier: '',
  },
  {
    name: 'UNCLASSIFIED: the local Region',
    known: undefined,
    identifier: 'us-east-1',
  },
  { name: 'INTERNET: none', remoteAddress: '8.8.8.8', known: undefined, identifier: '' },
  {
    name: 'INTER_REGION: the Region',
    remoteAddress: '8.8.8.8',
    known: { ...UNKNOWN_END, region: 'eu-west-1' },
    identifier: 'eu-west-1',
  },
  {
    name: 'AMAZON_S3: the local Region',
    remoteAddress: '8.8.8.8',
    known: { ...UNKNOWN_END, region: 'eu-west-1', service: 'Amazon S3' },
    identifier: 'us-east-1',
  },
  {
    name: 'AMAZON_DYNAMODB: the local Region',
    known: { ...UNKNOWN_END, region: 'us-east-1', service: 'Amazon DynamoDB' },
    identifier: 'us-east-1',
  },
  {
    name: 'AWS_SERVICE: its name',
    known: { ...UNKNOWN_END, region: 'us-east-1', service: 'Amazon CloudWatch Logs' },
    identifier: 'Amazon CloudWatch Logs',
  },
  {
    name: 'TRANSIT_GATEWAY: its ARN',
    known: { ...UNKNOWN_END, beyond: 'transit-gateway' as const, gatewayArn: 'arn:tgw' },
    identifier: 'arn:tgw',
  },
])('the remote identifier of $name', ({ known, identifier, remoteAddress = '10.0.2.7' }) => {
  const row = enrichOne({ remoteAddress }, { known: known && { [remoteAddress]: known } });
  expect(row.remoteIdentifier).toBe(identifier);
});

test.each(['127.0.0.1', '127.8.8.8', '::1'])('a flow to %s stays on its host', (remoteAddress) => {
  const row = enrichOne({ localAddress: remoteAddress, remoteAddress });
  expect(row).toMatchObject({ category: 'INTRA_AZ', remoteIdentifier: 'loopback' });
  expect(row.remote).toEqual(row.local);
});

test('every flow of a report is a row, in order, with the time, owner and cluster of the report', () => {
  const flows = [flow({ servicePort: 1 }), flow({ servicePort: 2 }), flow({ servicePort: 2 })];
  const { snapshot } = topologyOf({});
  const rows = enrich({ host, timeSeconds: 1_800_000_000, flows, remainders: [] }, snapshot);
  expect(rows.map((row) => row.flow)).toEqual(flows);
  for (const row of rows) {
    expect(row).toMatchObject({ timeSeconds: 1_800_000_000, owner, cluster: 'blue' });
  }
});

test('unknown members of the remote end are empty', () => {
  const { remote } = enrichOne({ remoteAddress: '8.8.8.8' });
  expect(new Set(Object.values(remote))).toEqual(new Set(['']));
});

test('other sources have precedence over the host for the local address', () => {
  const here = neighbour({ subnetId: 'subnet-9', az: 'use1-az3', instanceId: 'i-other' });
  expect(enrichOne({}, { heres: { '10.0.1.7': here } }).local).toMatchObject({
    subnetId: 'subnet-9',
    az: 'use1-az3',
    instanceId: 'i-1',
  });
});

describe('pods and services', () => {
  const none: PodNames = {
    localPodName: '',
    localPodNamespace: '',
    localServiceName: '',
    remotePodName: '',
    remotePodNamespace: '',
    remoteServiceName: '',
  };
  const local = { localPodName: 'web-1', localPodNamespace: 'shop', localServiceName: 'web' };
  const remote = { remotePodName: 'db-0', remotePodNamespace: 'data', remoteServiceName: 'db' };
  test.each([
    { name: 'no names', reported: undefined, known: undefined, pods: undefined },
    {
      name: 'names from the report only',
      reported: { ...none, ...local },
      pods: { ...none, ...local },
    },
    {
      name: 'names from Kubernetes only',
      known: { ...none, ...remote },
      pods: { ...none, ...remote },
    },
    {
      name: 'one end from each',
      reported: { ...none, ...local },
      known: { ...none, ...remote },
      pods: { ...local, ...remote },
    },
    {
      name: 'an end from both: the report has precedence',
      reported: { ...none, ...local },
      known: { ...none, ...local, localPodName: 'web-2', ...remote },
      pods: { ...local, ...remote },
    },
  ])('$name', ({ reported, known, pods }) => {
    expect(enrichOne({ pods: reported }, { names: known }).pods).toEqual(pods);
  });
});

describe('flows cut from a report become a row', () => {
  const cut = (hint: CategoryHint, of: ReportingHost = host) => {
    const values = new Float64Array(VALUES_LENGTH);
    const remainders = [{ side: 'client', hint, flows: 7, values } as const];
    const { snapshot } = topologyOf({});
    return enrich({ host: of, timeSeconds: 1, flows: [], remainders }, snapshot)[0];
  };

  test.each([
    { hint: 'loopback', category: 'INTRA_AZ', remoteIdentifier: 'loopback' },
    { hint: 'private', category: 'UNCLASSIFIED', remoteIdentifier: 'us-east-1' },
    { hint: 'global', category: 'INTERNET', remoteIdentifier: '' },
  ] as const)('$hint: $category', ({ hint, category, remoteIdentifier }) => {
    expect(cut(hint)).toMatchObject({ flowsCut: 7, category, remoteIdentifier });
  });

  test("in the host's subnet if it has only one", () => {
    expect(cut('private')?.local).toMatchObject({ subnetId: 'subnet-1', vpcId: 'vpc-a' });
    const subnetOf = new Map([...host.subnetOf, ['10.0.9.1', 'subnet-9']]);
    expect(cut('private', { ...host, subnetOf })?.local.subnetId).toBe('');
  });
});

test('the counters of a network card become a row, unless the host has no id', () => {
  const hostStats = [{ interfaceId: 'eni-1', values: { rx_dropped: 3 } }];
  expect(hostStatsRows({ host, timeSeconds: 5, hostStats })).toEqual([
    {
      timeSeconds: 5,
      owner,
      instanceId: 'i-1',
      interfaceId: 'eni-1',
      counters: { rx_dropped: 3 },
    },
  ]);
  const unnamed = { ...host, instanceId: '' };
  expect(hostStatsRows({ host: unnamed, timeSeconds: 5, hostStats })).toEqual([]);
});
