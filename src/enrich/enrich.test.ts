import { describe, expect, test } from 'vitest';
import { type EnrichedFlow, UNKNOWN_ENDPOINT } from '../model/enriched-flow.ts';
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
  /** Addresses of the own network that sources other than agents describe. */
  readonly heres?: Readonly<Record<string, Located>>;
  readonly names?: PodNames | undefined;
}

/** Knows these addresses, and says what it was asked. */
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

test("a flow's own end has the subnet of its address, and the zone that subnet's hosts agree on", () => {
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
])('from %s the subnet is unknown, and the zone the one the host says', (_, localAddress) => {
  expect(enrichOne({ localAddress }).local).toMatchObject({ subnetId: '', az: 'use1-az1' });
});

test('the other end is who has the address beyond translation', () => {
  const nat = { remoteAddress: '172.20.0.10', dnatAddress: '10.0.2.7' };
  const row = enrichOne(nat, { known: { '10.0.2.7': neighbour({}) } });
  expect(row).toMatchObject({ category: 'INTER_AZ', remote: { instanceId: 'i-2' } });
});

test('a container has the subnet of the address it is masqueraded as', () => {
  const nat = { localAddress: '172.17.0.2', snatAddress: '10.0.1.7' };
  expect(enrichOne(nat).local).toMatchObject({ subnetId: 'subnet-1' });
});

test('the other end is looked up from where and when the flow was', () => {
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
    name: 'a known subnet, nobody known: its ARN',
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
    name: 'UNCLASSIFIED: the own Region',
    known: undefined,
    identifier: 'us-east-1',
  },
  { name: 'INTERNET: none', remoteAddress: '8.8.8.8', known: undefined, identifier: '' },
  {
    name: 'INTER_REGION: the Region',
    remoteAddress: '8.8.8.8',
    known: { ...UNKNOWN_ENDPOINT, region: 'eu-west-1' },
    identifier: 'eu-west-1',
  },
  {
    name: 'AMAZON_S3: the own Region',
    remoteAddress: '8.8.8.8',
    known: { ...UNKNOWN_ENDPOINT, region: 'eu-west-1', service: 'Amazon S3' },
    identifier: 'us-east-1',
  },
  {
    name: 'AMAZON_DYNAMODB: the own Region',
    known: { ...UNKNOWN_ENDPOINT, region: 'us-east-1', service: 'Amazon DynamoDB' },
    identifier: 'us-east-1',
  },
  {
    name: 'AWS_SERVICE: its name',
    known: { ...UNKNOWN_ENDPOINT, region: 'us-east-1', service: 'Amazon CloudWatch Logs' },
    identifier: 'Amazon CloudWatch Logs',
  },
  {
    name: 'TRANSIT_GATEWAY: its ARN',
    known: { ...UNKNOWN_ENDPOINT, beyond: 'transit-gateway' as const, gatewayArn: 'arn:tgw' },
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

test('what is not known of the other end is empty, never made up', () => {
  const { remote } = enrichOne({ remoteAddress: '8.8.8.8' });
  expect(new Set(Object.values(remote))).toEqual(new Set(['']));
});

test('what other sources say of the own address goes before what the host says', () => {
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
    { name: 'nobody names them', reported: undefined, known: undefined, pods: undefined },
    { name: 'only the report does', reported: { ...none, ...local }, pods: { ...none, ...local } },
    { name: 'only Kubernetes does', known: { ...none, ...remote }, pods: { ...none, ...remote } },
    {
      name: 'each names one end',
      reported: { ...none, ...local },
      known: { ...none, ...remote },
      pods: { ...local, ...remote },
    },
    {
      name: 'both name an end: the report is nearer',
      reported: { ...none, ...local },
      known: { ...none, ...local, localPodName: 'web-2', ...remote },
      pods: { ...local, ...remote },
    },
  ])('$name', ({ reported, known, pods }) => {
    expect(enrichOne({ pods: reported }, { names: known }).pods).toEqual(pods);
  });
});

describe('what was cut from a report is a row of its own', () => {
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

  test("in the host's subnet where it has but one", () => {
    expect(cut('private')?.local).toMatchObject({ subnetId: 'subnet-1', vpcId: 'vpc-a' });
    const subnetOf = new Map([...host.subnetOf, ['10.0.9.1', 'subnet-9']]);
    expect(cut('private', { ...host, subnetOf })?.local.subnetId).toBe('');
  });
});

test('what a network card counted is a row with its host, and none of a host without an id', () => {
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
  const nobody = { ...host, instanceId: '' };
  expect(hostStatsRows({ host: nobody, timeSeconds: 5, hostStats })).toEqual([]);
});
