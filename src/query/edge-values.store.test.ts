import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  flowRow,
  oneSlice,
  startTestStore,
  TEST_SECONDS,
  type TestStore,
} from '../store/testing.ts';
import { monitorPlan, workloadInsightsPlan } from './plan.ts';
import { monitorRow, type StoredInsightsRow, type StoredMonitorRow } from './rows.ts';
import { monitorOf, requestOf } from './testing.ts';

let bench: TestStore;
beforeAll(async () => {
  bench = await startTestStore();
});
afterAll(() => bench[Symbol.asyncDispose]());

test('an average half way between two microseconds is rounded up', async () => {
  const account = '222222222222';
  const local = { vpcId: 'vpc-half' };
  const values = [
    [1, 2],
    [1, 3],
    [2, 2 ** 53 - 1],
  ].map(([count, sum], i) => {
    const servicePort = i < 2 ? 1 : 2;
    return flowRow({
      account,
      local,
      servicePort,
      values: { rtt_us_count: count ?? 0, rtt_us_sum: sum ?? 0 },
    });
  });
  await bench.store.insert(oneSlice(values), 99n);
  const request = requestOf({ metric: 'ROUND_TRIP_TIME', startSeconds: TEST_SECONDS });
  const monitor = monitorOf([{ type: 'AWS::EC2::VPC', identifier: 'vpc-half' }]);
  const owner = { account, region: 'us-east-1' };
  const plan = monitorPlan(request, monitor, { owner, targets: [owner] });
  const rows = await bench.store.query<StoredMonitorRow>(plan);
  expect(rows.map(({ value }) => value)).toEqual([String(2n ** 52n), '3']);
});

test('names with any characters are stored and found unchanged', async () => {
  const names = [
    "it's",
    '"',
    '\\',
    '\\n',
    "\\'",
    '\t',
    '\n',
    '\r',
    '\0',
    '`',
    '{p0:String}',
    '%',
    '_',
    '--',
    '/*',
    '*/',
    ';',
    'é',
    '网络',
    '🕸',
    '\u2028',
  ];
  const account = '333333333333';
  const rows = names.map((text) =>
    flowRow({
      account,
      region: text,
      local: { vpcId: text, subnetId: text, az: text, instanceId: text },
      remote: {
        vpcId: text,
        subnetId: text,
        az: text,
        instanceId: text,
        region: text,
        account: text,
      },
      remoteIdentifier: text,
      cluster: text,
      pods: {
        localPodName: text,
        localPodNamespace: text,
        localServiceName: text,
        remotePodName: text,
        remotePodNamespace: text,
        remoteServiceName: text,
      },
      values: { bytes_received: 1 },
    }),
  );
  await bench.store.insert(oneSlice(rows), 100n);
  const request = requestOf({ startSeconds: TEST_SECONDS });
  for (const text of names) {
    const monitor = monitorOf(
      [
        { type: 'AWS::EC2::VPC', identifier: text },
        { type: 'AWS::AvailabilityZone', identifier: text },
      ],
      [{ type: 'AWS::AWSService', identifier: text }],
    );
    const owner = { account, region: text };
    const plan = monitorPlan(request, monitor, { owner, targets: [owner] });
    const found = (await bench.store.query<StoredMonitorRow>(plan)).map((row) =>
      monitorRow(row, 'INTRA_AZ'),
    );
    expect(found).toMatchObject([
      {
        localRegion: text,
        localVpcId: text,
        localSubnetId: text,
        localAz: text,
        localInstanceId: text,
        remoteVpcId: text,
        remoteRegion: text,
        kubernetesMetadata: { localPodName: text, remoteServiceName: text },
        value: 1n,
      },
    ]);
    const insights = await bench.store.query<StoredInsightsRow>(
      workloadInsightsPlan(request, [{ account, region: text }]),
    );
    expect(insights).toMatchObject([{ remote_identifier: text, local_subnet: text }]);
  }
});
