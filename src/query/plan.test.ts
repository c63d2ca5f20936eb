import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Monitor } from '../model/monitor.ts';
import type { QueryRequest } from '../model/query.ts';
import { printSql, type SqlFragment } from '../store/sql.ts';
import { explorerPlan } from './flow-explorer.ts';
import { monitorPlan, overviewPlan, seriesPlan, workloadInsightsPlan } from './plan.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'test', 'golden', 'sql');

const owner = { account: '000000000000', region: 'us-east-1' };
const targets = [owner, { account: '111111111111', region: 'eu-west-1' }];
const request: QueryRequest = {
  kind: 'MonitorTopContributors',
  resource: 'web',
  startSeconds: 1_800_000_030,
  endSeconds: 1_800_003_600,
  metric: 'DATA_TRANSFERRED',
  category: 'INTER_AZ',
  limit: 100,
};
const monitor: Monitor = {
  monitorName: 'web',
  monitorArn: '',
  scopeArn: '',
  status: 'ACTIVE',
  localResources: [
    { type: 'AWS::EC2::VPC', identifier: 'arn:aws:ec2:us-east-1:000000000000:vpc/vpc-0a' },
    { type: 'AWS::EC2::Subnet', identifier: 'subnet-0b' },
    { type: 'AWS::AvailabilityZone', identifier: 'use1-az1' },
    { type: 'AWS::Region', identifier: 'us-east-1' },
    { type: 'AWS::EKS::Cluster', identifier: 'arn:aws:eks:us-east-1:000000000000:cluster/blue' },
  ],
  remoteResources: [
    { type: 'AWS::EC2::VPC', identifier: 'vpc-0c' },
    { type: 'AWS::EC2::Subnet', identifier: 'subnet-0d' },
    { type: 'AWS::AvailabilityZone', identifier: 'use1-az2' },
    { type: 'AWS::AWSService', identifier: 'S3' },
    { type: 'AWS::Region', identifier: 'us-east-1' },
    { type: 'AWS::Region', identifier: 'eu-west-1' },
  ],
  createdAtMillis: 0,
  modifiedAtMillis: 0,
  tags: {},
};
const explored = { startSeconds: 1_800_000_000, endSeconds: 1_800_003_600, limit: 10 };

const plans: readonly { readonly name: string; readonly plan: SqlFragment }[] = [
  { name: 'monitor-top-contributors', plan: monitorPlan(request, monitor, { owner, targets }) },
  {
    name: 'monitor-round-trip-time',
    plan: monitorPlan(
      { ...request, metric: 'ROUND_TRIP_TIME' },
      { ...monitor, localResources: monitor.localResources.slice(0, 1), remoteResources: [] },
      { owner, targets },
    ),
  },
  {
    name: 'workload-insights-top-contributors',
    plan: workloadInsightsPlan({ ...request, metric: 'RETRANSMISSIONS' }, targets),
  },
  {
    name: 'workload-insights-data',
    plan: seriesPlan({ ...request, metric: 'TIMEOUTS' }, targets),
  },
  {
    name: 'insights-overview',
    plan: overviewPlan(
      {
        startSeconds: 1_800_000_000,
        endSeconds: 1_800_003_600,
        metric: 'DATA_TRANSFERRED',
        loopback: false,
        limit: 20,
      },
      targets,
    ),
  },
  { name: 'flow-explorer', plan: explorerPlan(owner, explored) },
  {
    name: 'flow-explorer-filtered',
    plan: explorerPlan(owner, {
      ...explored,
      localIp: '10.0.1.7',
      remoteIp: '2001:db8::1',
      servicePort: 443,
      category: 'INTERNET',
    }),
  },
];

test.each(plans)('the SQL of $name', async ({ name, plan }) => {
  const { text, params } = printSql(plan);
  const lines = text.replaceAll(/ (FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|SETTINGS) /g, '\n$1 ');
  const values = Object.entries(params).map(
    ([key, value]) => `-- ${key} = ${JSON.stringify(value)}`,
  );
  const golden = `${lines}\n\n${values.join('\n')}\n`;
  await expect(golden).toMatchFileSnapshot(join(GOLDEN, `${name}.sql`));
});

test('the SQL text has no value of a request', () => {
  const evil = "'; DROP TABLE flows --";
  const local = monitor.localResources.map((item) => ({ ...item, identifier: evil }));
  const remote = monitor.remoteResources.map((item) => ({ ...item, identifier: evil }));
  const { text, params } = printSql(
    monitorPlan(
      request,
      { ...monitor, localResources: local, remoteResources: remote },
      {
        owner: { account: evil, region: evil },
        targets: [{ account: evil, region: evil }],
      },
    ),
  );
  expect(text).not.toContain('DROP');
  expect(Object.values(params)).toContain(evil);
});

test.each([
  ['before 1970', -100, 0],
  ['after 2106', 2 ** 32 + 100, 2 ** 32 - 1],
])('a time %s is the nearest a row can have', (_, startSeconds, expected) => {
  for (const plan of [
    seriesPlan({ ...request, startSeconds }, targets),
    workloadInsightsPlan({ ...request, startSeconds }, targets),
  ]) {
    const { params } = printSql(plan);
    for (const value of Object.values(params)) {
      if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(0);
      if (typeof value === 'number') expect(value).toBeLessThan(2 ** 32);
    }
    expect(Object.values(params)).toContain(expected);
  }
});
