import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../lib/testing.ts';
import { addressBytes, canonicalAddress } from '../model/address.ts';
import { parseArn } from '../model/arn.ts';
import { DESTINATION_CATEGORIES } from '../model/category.ts';
import type { EnrichedFlow } from '../model/enriched-flow.ts';
import { NO_ADDRESS } from '../model/enriched-flow.ts';
import { VALUE_NAMES } from '../model/flow-metrics.ts';
import type { Monitor, MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import {
  MONITOR_METRICS,
  type MonitorMetric,
  type QueryRequest,
  WORKLOAD_INSIGHTS_METRICS,
} from '../model/query.ts';
import type { ScopeTarget } from '../model/scope.ts';
import {
  type FlowParts,
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../store/testing.ts';
import { monitorPlan, seriesPlan, workloadInsightsPlan } from './plan.ts';
import {
  insightsRow,
  monitorRow,
  type StoredBin,
  type StoredInsightsRow,
  type StoredMonitorRow,
  series,
} from './rows.ts';
import { monitorOf, QUERY_END, QUERY_START, requestOf } from './testing.ts';

const owner = { account: '000000000000', region: 'us-east-1' };

const random = seededRandom(20_230_419);
/** An integer from 0 to below `below`; the same sequence in every run. */
const draw = (below: number) => Math.floor(random() * below);
const one = <Item>(items: readonly Item[]): Item => items[draw(items.length)] as Item;

const end = () => {
  const known = draw(4) > 0;
  return {
    vpcId: known ? one(['vpc-a', 'vpc-b']) : '',
    subnetId: known ? one(['subnet-a', 'subnet-b', '']) : '',
    az: known ? one(['use1-az1', 'use1-az2', '']) : '',
    instanceId: known ? one(['i-1', 'i-2']) : '',
  };
};

function generated(): FlowParts {
  const zero = draw(5) === 0;
  const count = zero ? 0 : draw(4);
  const value = () => (zero ? 0 : draw(3) * draw(50));
  return {
    timeSeconds: one([
      QUERY_START - 1,
      QUERY_START,
      QUERY_END - 1,
      QUERY_END,
      TEST_SECONDS + draw(1_860),
    ]),
    account: one(['000000000000', '000000000000', '111111111111']),
    region: one(['us-east-1', 'us-east-1', 'eu-west-1']),
    category: one(DESTINATION_CATEGORIES.slice(0, 4)),
    side: one(['client', 'server']),
    localAddress: one(['10.0.1.7', '10.0.1.10', '9.255.0.1', '2001:db8::7']),
    remoteAddress: one(['10.0.2.7', '10.0.2.70', '::1', 'fd00::2']),
    snatAddress: one([undefined, undefined, '192.0.2.1']),
    dnatAddress: one([undefined, undefined, '10.0.3.1', '2001:db8::9']),
    servicePort: one([443, 80]),
    local: end(),
    remote: {
      ...end(),
      ...one([
        { account: '', region: '' },
        owner,
        { account: '111111111111', region: 'eu-west-1' },
      ]),
    },
    remoteIdentifier: one(['', 'loopback', 'us-east-1', 'eu-west-1', 'S3', 'é "quoted"']),
    cluster: one(['', 'blue']),
    values: {
      bytes_received: value() * (draw(9) === 0 ? 1e12 : 1),
      bytes_delivered: value(),
      retrans_syn: value(),
      retrans_est: value(),
      retrans_close: value(),
      rtos_syn: value(),
      rtos_est: value(),
      rtos_close: value(),
      rtt_us_count: count,
      rtt_us_sum: count === 0 ? 0 : draw(1_000),
    },
  };
}

const flows = Array.from({ length: 600 }, () => ({
  ...flowRow(generated()),
  flowsCut: draw(20) === 0 ? 3 : 0,
}));

let bench: TestStore;
beforeAll(async () => {
  bench = await startTestStore();
  for (let i = 0; i < 3; i += 1) {
    await bench.store.insert(oneSlice(flows.slice(i * 200, (i + 1) * 200)), BigInt(i));
  }
});
afterAll(() => bench[Symbol.asyncDispose]());

// The same results, computed from the rows in TypeScript.

const numberOf = ({ flow }: EnrichedFlow, name: string) =>
  BigInt(flow.values[VALUE_NAMES.indexOf(name)] ?? 0);
const sumOf = (rows: readonly EnrichedFlow[], ...names: readonly string[]) =>
  rows.reduce((sum, row) => names.reduce((own, name) => own + numberOf(row, name), sum), 0n);

/** Undefined when the rows have no value of the metric. */
function metricOf(metric: MonitorMetric, rows: readonly EnrichedFlow[]): bigint | undefined {
  if (metric === 'ROUND_TRIP_TIME') {
    const count = sumOf(rows, 'rtt_us_count');
    if (count === 0n) return undefined;
    return BigInt(Math.round(Number(sumOf(rows, 'rtt_us_sum')) / Number(count)));
  }
  const names = {
    DATA_TRANSFERRED: ['bytes_received', 'bytes_delivered'],
    RETRANSMISSIONS: ['retrans_syn', 'retrans_est', 'retrans_close'],
    TIMEOUTS: ['rtos_syn', 'rtos_est', 'rtos_close'],
  }[metric];
  const sum = sumOf(rows, ...names);
  return sum === 0n ? undefined : sum;
}

type Key = string | number | Uint8Array;

function groupBy(rows: readonly EnrichedFlow[], keysOf: (row: EnrichedFlow) => readonly Key[]) {
  const groups = new Map<string, EnrichedFlow[]>();
  for (const row of rows) {
    const key = JSON.stringify(
      keysOf(row).map((item) => (typeof item === 'object' ? [...item] : item)),
    );
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

/** Compares numbers by value, and text and addresses by their bytes. */
function compareKeys(a: readonly Key[], b: readonly Key[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] as Key;
    const order =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : Buffer.compare(Buffer.from(left as string), Buffer.from(right as string));
    if (order !== 0) return order;
  }
  return 0;
}

interface Top {
  readonly sample: EnrichedFlow;
  readonly value: bigint;
  readonly lastSeconds: number;
}

function topOf(
  rows: readonly EnrichedFlow[],
  { metric, limit }: QueryRequest,
  keysOf: (row: EnrichedFlow) => readonly Key[],
): Top[] {
  return groupBy(rows, keysOf)
    .flatMap((group) => {
      const value = metricOf(metric, group);
      const [sample] = group;
      const lastSeconds = Math.max(...group.map(({ timeSeconds }) => timeSeconds));
      return value === undefined || sample === undefined ? [] : [{ sample, value, lastSeconds }];
    })
    .sort((a, b) =>
      a.value === b.value
        ? compareKeys(keysOf(a.sample), keysOf(b.sample))
        : a.value > b.value
          ? -1
          : 1,
    )
    .slice(0, limit);
}

const inRange = ({ timeSeconds, category }: EnrichedFlow, request: QueryRequest) =>
  timeSeconds >= request.startSeconds &&
  timeSeconds < request.endSeconds &&
  category === request.category;

const targetPort = ({ flow }: EnrichedFlow) => (flow.side === 'client' ? flow.servicePort : 0);

const monitorKeys = (row: EnrichedFlow): readonly Key[] => [
  row.flow.side === 'client' ? 1 : 2,
  addressBytes(row.flow.localAddress),
  addressBytes(row.flow.remoteAddress),
  addressBytes(row.flow.snatAddress ?? NO_ADDRESS),
  addressBytes(row.flow.dnatAddress ?? NO_ADDRESS),
  targetPort(row),
  ...[row.local.instanceId, row.local.subnetId, row.local.vpcId, row.local.az],
  ...[row.owner.region, row.owner.account],
  ...[row.remote.instanceId, row.remote.subnetId, row.remote.vpcId, row.remote.az],
  ...[row.remote.region, row.remote.account],
];

const insightsKeys = (row: EnrichedFlow): readonly Key[] => [
  row.owner.account,
  row.local.subnetId,
  row.local.az,
  row.local.vpcId,
  row.owner.region,
  row.remoteIdentifier,
];

async function askMonitor(
  request: QueryRequest,
  monitor: Monitor,
  targets: readonly ScopeTarget[] = [owner],
) {
  const plan = monitorPlan(request, monitor, { owner, targets });
  const rows = await bench.store.query<StoredMonitorRow>(plan);
  return rows.map((row) => monitorRow(row, request.category));
}

/** The members of a result row that come from the flow itself. */
function monitorAnswer({ sample, value, lastSeconds }: Top) {
  const { flow, local, remote, owner: own, category } = sample;
  const members = {
    localIp: flow.localAddress,
    localInstanceId: local.instanceId,
    localVpcId: local.vpcId,
    localRegion: own.region,
    localAz: local.az,
    localSubnetId: local.subnetId,
    remoteVpcId: remote.vpcId,
    remoteRegion: remote.region,
    remoteAz: remote.az,
    remoteSubnetId: remote.subnetId,
    remoteInstanceId: remote.instanceId,
    remoteIp: canonicalAddress(flow.remoteAddress),
    snatIp: flow.snatAddress ?? '',
    dnatIp: flow.dnatAddress ?? '',
  };
  const known = Object.entries(members).filter(([, member]) => member !== '');
  return {
    ...Object.fromEntries(known),
    targetPort: targetPort(sample),
    destinationCategory: category,
    value,
    lastSeconds,
  };
}

const REGION: readonly MonitorLocalResource[] = [{ type: 'AWS::Region', identifier: 'us-east-1' }];
const member = { account: '111111111111', region: 'us-east-1' };
const isOwn = (row: EnrichedFlow) =>
  row.flowsCut === 0 && row.owner.account === owner.account && row.owner.region === owner.region;
const withoutArns = (row: object) =>
  Object.fromEntries(Object.entries(row).filter(([member]) => !member.endsWith('Arn')));

describe("a monitor's top contributors", () => {
  test('are those of every target of its scope, such as member accounts', async () => {
    const monitor = monitorOf([{ type: 'AWS::EC2::VPC', identifier: 'vpc-a' }]);
    const accountsOf = async (targets: readonly ScopeTarget[]) => {
      const rows = await askMonitor(requestOf({}), monitor, targets);
      const arns = rows.map(({ localVpcArn = '' }) => parseArn(localVpcArn)?.account);
      return [...new Set(arns)].sort();
    };
    expect(await accountsOf([owner])).toEqual([owner.account]);
    expect(await accountsOf([owner, member])).toEqual([owner.account, member.account]);
  });

  const kinds = MONITOR_METRICS.flatMap((metric) =>
    DESTINATION_CATEGORIES.map((category) => ({ metric, category })),
  );
  test.each(kinds)('$metric, $category', async ({ metric, category }) => {
    const request = requestOf({ metric, category });
    const rows = flows.filter((row) => isOwn(row) && inRange(row, request));
    const answer = await askMonitor(request, monitorOf(REGION));
    const expected = topOf(rows, request, monitorKeys).map(monitorAnswer);
    expect(answer.map(withoutArns)).toEqual(expected);
    expect(answer.length > 0).toBe(DESTINATION_CATEGORIES.indexOf(category) < 4);
  });

  test('the limit keeps the greatest rows', async () => {
    const all = await askMonitor(requestOf({}), monitorOf(REGION));
    expect(await askMonitor(requestOf({ limit: 3 }), monitorOf(REGION))).toEqual(all.slice(0, 3));
  });

  const locals: readonly [MonitorLocalResource, (row: EnrichedFlow) => boolean][] = [
    [{ type: 'AWS::EC2::VPC', identifier: 'vpc-a' }, ({ local }) => local.vpcId === 'vpc-a'],
    [
      { type: 'AWS::EC2::VPC', identifier: 'arn:aws:ec2:us-east-1:000000000000:vpc/vpc-b' },
      ({ local }) => local.vpcId === 'vpc-b',
    ],
    [
      { type: 'AWS::EC2::Subnet', identifier: 'subnet-a' },
      ({ local }) => local.subnetId === 'subnet-a',
    ],
    [
      { type: 'AWS::AvailabilityZone', identifier: 'use1-az1' },
      ({ local }) => local.az === 'use1-az1',
    ],
    [{ type: 'AWS::Region', identifier: 'us-east-1' }, () => true],
    [{ type: 'AWS::Region', identifier: 'eu-west-1' }, () => false],
    [
      { type: 'AWS::EKS::Cluster', identifier: 'arn:aws:eks:us-east-1:000000000000:cluster/blue' },
      ({ cluster }) => cluster === 'blue',
    ],
  ];
  const remotes: readonly [MonitorRemoteResource, (row: EnrichedFlow) => boolean][] = [
    [{ type: 'AWS::EC2::VPC', identifier: 'vpc-a' }, ({ remote }) => remote.vpcId === 'vpc-a'],
    [
      { type: 'AWS::EC2::Subnet', identifier: 'subnet-b' },
      ({ remote }) => remote.subnetId === 'subnet-b',
    ],
    [
      { type: 'AWS::AvailabilityZone', identifier: 'use1-az2' },
      ({ remote }) => remote.az === 'use1-az2',
    ],
    [{ type: 'AWS::AWSService', identifier: 'S3' }, (row) => row.remoteIdentifier === 'S3'],
    [
      { type: 'AWS::Region', identifier: 'eu-west-1' },
      (row) => row.remote.region === 'eu-west-1' || row.remoteIdentifier === 'eu-west-1',
    ],
    [
      { type: 'AWS::Region', identifier: 'us-east-1' },
      (row) =>
        row.remote.region === 'us-east-1' ||
        (row.remote.region === '' && row.remoteIdentifier === 'us-east-1'),
    ],
  ];

  async function expectMatching(monitor: Monitor, matches: (row: EnrichedFlow) => boolean) {
    const request = requestOf({});
    const rows = flows.filter((row) => isOwn(row) && inRange(row, request) && matches(row));
    const answer = await askMonitor(request, monitor);
    expect(answer.map(withoutArns)).toEqual(topOf(rows, request, monitorKeys).map(monitorAnswer));
    return answer.length;
  }

  test.each(locals)('of local %o', async (resource, matches) => {
    const found = await expectMatching(monitorOf([resource]), matches);
    expect(found > 0).toBe(resource.identifier !== 'eu-west-1');
  });

  test.each(remotes)('to remote %o', async (resource, matches) => {
    expect(await expectMatching(monitorOf(REGION, [resource]), matches)).toBeGreaterThan(0);
  });

  test('of any local AND any remote resource', async () => {
    const [[vpc, inVpc], , [subnet, inSubnet]] = locals as [
      (typeof locals)[number],
      (typeof locals)[number],
      (typeof locals)[number],
    ];
    const [[far, inFar], , [zone, inZone]] = remotes as [
      (typeof remotes)[number],
      (typeof remotes)[number],
      (typeof remotes)[number],
    ];
    await expectMatching(
      monitorOf([vpc, subnet], [far, zone]),
      (row) => (inVpc(row) || inSubnet(row)) && (inFar(row) || inZone(row)),
    );
  });

  test('a monitor of unknown resources has no rows', async () => {
    const monitor = monitorOf([{ type: 'AWS::EC2::VPC', identifier: 'vpc-nowhere' }]);
    expect(await askMonitor(requestOf({}), monitor)).toEqual([]);
  });
});

const targets = [owner, { account: '111111111111', region: 'eu-west-1' }];
const isTarget = (row: EnrichedFlow) =>
  targets.some(
    ({ account, region }) => row.owner.account === account && row.owner.region === region,
  );

describe('workload insights', () => {
  const kinds = WORKLOAD_INSIGHTS_METRICS.flatMap((metric) =>
    DESTINATION_CATEGORIES.map((category) => ({ metric, category })),
  );

  test.each(kinds)('top contributors: $metric, $category', async ({ metric, category }) => {
    const request = requestOf({ metric, category });
    const rows = flows.filter((row) => isTarget(row) && inRange(row, request));
    const stored = await bench.store.query<StoredInsightsRow>(
      workloadInsightsPlan(request, targets),
    );
    const expected = topOf(rows, request, insightsKeys).map(({ sample, value }) => {
      const members = {
        accountId: sample.owner.account,
        localSubnetId: sample.local.subnetId,
        localAz: sample.local.az,
        localVpcId: sample.local.vpcId,
        localRegion: sample.owner.region,
      };
      const known = Object.entries(members).filter(([, member]) => member !== '');
      return { ...Object.fromEntries(known), remoteIdentifier: sample.remoteIdentifier, value };
    });
    expect(stored.map(insightsRow).map(withoutArns)).toEqual(expected);
  });

  test.each(kinds)('series: $metric, $category', async ({ metric, category }) => {
    const request = requestOf({ metric, category });
    const rows = flows.filter((row) => isTarget(row) && inRange(row, request));
    const label = ({ remoteIdentifier, local }: EnrichedFlow) =>
      remoteIdentifier === 'loopback' ? 'loopback' : local.az || 'unknown';
    // The first bin starts half a minute before QUERY_START.
    const bin = ({ timeSeconds }: EnrichedFlow) =>
      QUERY_START - 30 + Math.floor((timeSeconds - (QUERY_START - 30)) / 300) * 300;
    const bins = groupBy(rows, (row) => [label(row), bin(row)])
      .flatMap((group) => {
        const value = metricOf(metric, group);
        const [sample] = group;
        if (value === undefined || sample === undefined) return [];
        return [{ label: label(sample), bin: bin(sample), value: Number(value) }];
      })
      .sort((a, b) => compareKeys([a.label, a.bin], [b.label, b.bin]));
    const labels = [...new Set(bins.map((item) => item.label))];
    const expected = labels.map((own) => ({
      label: own,
      timestampsMillis: bins.filter((item) => item.label === own).map((item) => item.bin * 1000),
      values: bins.filter((item) => item.label === own).map((item) => item.value),
    }));
    const stored = await bench.store.query<StoredBin>(seriesPlan(request, targets));
    expect(series(stored)).toEqual(expected);
  });

  test('a range without rows has no rows and no series', async () => {
    const request = requestOf({ startSeconds: QUERY_END + 3_600, endSeconds: QUERY_END + 7_200 });
    expect(await bench.store.query(workloadInsightsPlan(request, targets))).toEqual([]);
    expect(await bench.store.query(seriesPlan(request, targets))).toEqual([]);
  });

  test('a range from before 1970 to after 2106 has every row', async () => {
    const every = requestOf({ startSeconds: -1, endSeconds: 2 ** 33 });
    const rows = flows.filter((row) => isTarget(row) && row.category === every.category);
    const stored = await bench.store.query<StoredInsightsRow>(workloadInsightsPlan(every, targets));
    const sum = stored.reduce((total, row) => total + BigInt(row.value), 0n);
    expect(sum).toBe(sumOf(rows, 'bytes_received', 'bytes_delivered'));
  });
});
