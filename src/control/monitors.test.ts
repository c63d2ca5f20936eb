import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MonitorLocalResource, MonitorRemoteResource } from '../model/monitor.ts';
import type { CreateMonitorRequest } from './monitors.ts';
import { type ControlBench, controlBench, owner } from './testing.ts';

const vpc = { type: 'AWS::EC2::VPC', identifier: 'vpc-03ea55eeda25adbb0' } as const;
const region = (identifier: string) => ({ type: 'AWS::Region', identifier }) as const;

let bench: ControlBench;
let request: CreateMonitorRequest;
beforeEach(async () => {
  bench = await controlBench();
  const target = { account: owner.account, region: owner.region };
  const { scopeArn } = await bench.scopes().create(owner, { targets: [target], tags: {} });
  await bench.setScopeStatus('SUCCEEDED');
  request = {
    monitorName: 'web',
    localResources: [vpc],
    remoteResources: [],
    scopeArn,
    clientToken: 'token-1',
    tags: { team: 'network' },
  };
});
afterEach(() => bench[Symbol.asyncDispose]());

test('a new monitor is active and can be read back', async () => {
  const monitors = bench.monitors();
  const monitor = await monitors.create(owner, request);
  expect(monitor).toEqual({
    monitorName: 'web',
    monitorArn: 'arn:aws:networkflowmonitor:us-east-1:123456789012:monitor/web',
    scopeArn: request.scopeArn,
    status: 'ACTIVE',
    localResources: [vpc],
    remoteResources: [],
    createdAtMillis: bench.clock.now(),
    modifiedAtMillis: bench.clock.now(),
    tags: { team: 'network' },
  });
  expect(await monitors.get(owner, 'web')).toEqual(monitor);
});

test('a monitor is invisible to other accounts and Regions', async () => {
  const monitors = bench.monitors();
  await monitors.create(owner, request);
  const other = { ...owner, region: 'eu-west-1' };
  const missing = { name: 'ResourceNotFoundException' };
  await expect(monitors.get(other, 'web')).rejects.toMatchObject(missing);
  await expect(monitors.delete(other, 'web')).rejects.toMatchObject(missing);
  expect(await monitors.list(other, { limit: 25 })).toEqual({ items: [] });
});

test('lists by name, in pages, and filtered by status', async () => {
  const monitors = bench.monitors();
  for (const monitorName of ['c', 'a', 'b']) {
    await monitors.create(owner, { ...request, monitorName, clientToken: undefined });
  }
  const namesOf = async (page: Parameters<typeof monitors.list>[1]) => {
    const { items, next } = await monitors.list(owner, page);
    return { names: items.map(({ monitorName }) => monitorName), next };
  };
  expect(await namesOf({ limit: 2 })).toEqual({ names: ['a', 'b'], next: 'b' });
  expect(await namesOf({ limit: 2, after: 'b' })).toEqual({ names: ['c'], next: undefined });
  expect(await namesOf({ limit: 3 })).toEqual({ names: ['a', 'b', 'c'], next: undefined });
  await monitors.delete(owner, 'b');
  expect(await namesOf({ limit: 25, status: 'ACTIVE' })).toMatchObject({ names: ['a', 'c'] });
  expect(await namesOf({ limit: 25, status: 'DELETING' })).toMatchObject({ names: ['b'] });
});

describe('idempotency', () => {
  test('the same token and parameters get the first answer again', async () => {
    const monitors = bench.monitors();
    const first = await monitors.create(owner, request);
    bench.clock.advance(60_000);
    expect(await monitors.create(owner, request)).toEqual(first);
  });

  test('100 concurrent calls with one token create one monitor and get equal answers', async () => {
    const monitors = bench.monitors();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => monitors.create(owner, request)),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect((await monitors.list(owner, { limit: 25 })).items).toHaveLength(1);
  });

  test('a used token with other parameters and an existing name are conflicts', async () => {
    const monitors = bench.monitors();
    await monitors.create(owner, request);
    for (const change of [{ remoteResources: [vpc] }, { clientToken: 'token-2' }]) {
      await expect(monitors.create(owner, { ...request, ...change })).rejects.toMatchObject({
        name: 'ConflictException',
      });
    }
  });

  test('a deleted monitor frees its token', async () => {
    const monitors = bench.monitors();
    await monitors.create(owner, request);
    await monitors.delete(owner, 'web');
    await expect(monitors.create(owner, request)).rejects.toThrow('Monitor web already exists');
  });
});

describe('the scope', () => {
  test.each([
    { name: 'unknown', arn: () => request.scopeArn.replace(/1$/, '9') },
    { name: 'in another Region', arn: () => request.scopeArn.replace('us-east-1', 'eu-west-1') },
    {
      name: 'not given as an ARN',
      arn: () => request.scopeArn.slice(request.scopeArn.indexOf('/') + 1),
    },
  ])('rejects a scope that is $name', async ({ arn }) => {
    const created = bench.monitors().create(owner, { ...request, scopeArn: arn() });
    await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('rejects a scope that is being deleted', async () => {
    await bench.scopes().delete(owner, request.scopeArn.slice(-36));
    const created = bench.monitors().create(owner, request);
    await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('quotas', () => {
  test('the 21st monitor is rejected, also among 40 concurrent calls', async () => {
    const monitors = bench.monitors();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        monitors.create(owner, { ...request, monitorName: `m${i}`, clientToken: `t${i}` }),
      ),
    );
    const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []));
    expect(refused).toEqual(new Array(20).fill('ServiceQuotaExceededException'));
    await monitors.delete(owner, 'm0');
    await monitors.create(owner, { ...request, clientToken: undefined });
  });

  const zones = (count: number) =>
    Array.from(
      { length: count },
      (_, i) => ({ type: 'AWS::AvailabilityZone', identifier: `use1-az${i}` }) as const,
    );

  test.each(['localResources', 'remoteResources'] as const)('rejects 26 %s', async (member) => {
    const monitors = bench.monitors();
    const over = monitors.create(owner, { ...request, [member]: zones(26) });
    await expect(over).rejects.toMatchObject({ name: 'ServiceQuotaExceededException' });
    expect((await monitors.create(owner, { ...request, [member]: zones(25) }))[member]).toEqual(
      zones(25),
    );
  });

  test('can be configured', async () => {
    const quotas = { maxMonitors: 1, maxLocalResources: 1, maxRemoteResources: 0 };
    const monitors = bench.monitors({ quotas });
    await monitors.create(owner, request);
    const second = { ...request, monitorName: 'second', clientToken: undefined };
    await expect(monitors.create(owner, second)).rejects.toThrow('already has 1 monitors');
    await expect(monitors.create(owner, { ...request, remoteResources: [vpc] })).rejects.toThrow(
      'at most 0',
    );
  });
});

const arn = (service: string, where: string, what: string) =>
  `arn:aws:${service}:${where}:123456789012:${what}`;

describe('resources', () => {
  const locals: { name: string; resources: MonitorLocalResource[] }[] = [
    {
      name: 'ARNs',
      resources: [
        { type: 'AWS::EC2::VPC', identifier: arn('ec2', 'us-east-1', `vpc/${vpc.identifier}`) },
        {
          type: 'AWS::EC2::Subnet',
          identifier: arn('ec2', 'us-east-1', 'subnet/subnet-0a5b30fb95dca2c14'),
        },
        { type: 'AWS::EKS::Cluster', identifier: arn('eks', 'us-east-1', 'cluster/prod_1') },
      ],
    },
    {
      name: 'bare ids and names',
      resources: [
        vpc,
        { type: 'AWS::EC2::Subnet', identifier: 'subnet-0a5b30fb' },
        { type: 'AWS::AvailabilityZone', identifier: 'us-east-1a' },
        { type: 'AWS::AvailabilityZone', identifier: 'use1-az1' },
        { type: 'AWS::EKS::Cluster', identifier: 'prod' },
      ],
    },
    { name: 'the whole Region', resources: [region('us-east-1')] },
  ];
  test.each(locals)('local: $name are kept as written', async ({ resources }) => {
    const monitors = bench.monitors();
    await monitors.create(owner, { ...request, localResources: resources });
    expect((await monitors.get(owner, 'web')).localResources).toEqual(resources);
  });

  const remotes: { name: string; resources: MonitorRemoteResource[] }[] = [
    { name: 'none', resources: [] },
    { name: 'a VPC that is local too', resources: [vpc] },
    { name: 'the whole Region', resources: [region('us-east-1')] },
    { name: 'two other Regions', resources: [region('eu-west-1'), region('eu-west-2')] },
    { name: 'another Region and a VPC', resources: [region('eu-west-1'), vpc] },
    {
      name: 'a VPC and services',
      resources: [vpc, { type: 'AWS::AWSService', identifier: 'com.amazonaws.us-east-1.s3' }],
    },
  ];
  test.each(remotes)('remote: $name', async ({ resources }) => {
    const monitors = bench.monitors();
    await monitors.create(owner, { ...request, remoteResources: resources });
    expect((await monitors.get(owner, 'web')).remoteResources).toEqual(resources);
  });

  const broken: {
    name: string;
    locals?: MonitorLocalResource[];
    remotes?: MonitorRemoteResource[];
    rule: string;
  }[] = [
    { name: 'no local resource', locals: [], rule: 'localResources: at least 1' },
    {
      name: 'a subnet id as a VPC',
      locals: [{ type: 'AWS::EC2::VPC', identifier: 'subnet-0a5b30fb95dca2c14' }],
      rule: 'a VPC id (vpc-…) or its ARN',
    },
    {
      name: 'an empty service name',
      remotes: [{ type: 'AWS::AWSService', identifier: '' }],
      rule: "an AWS service's name",
    },
    {
      name: 'another Region as a local resource',
      locals: [region('eu-west-1')],
      rule: 'the Region must be us-east-1, the Region of the monitor',
    },
    {
      name: 'the Region together with a VPC as local resources',
      locals: [region('us-east-1'), vpc],
      rule: 'AWS::Region covers every resource in the Region, so it must be the only one',
    },
    {
      name: 'the own Region together with a VPC as remote resources',
      remotes: [region('us-east-1'), vpc],
      rule: "the monitor's own Region covers every resource in it, so it must be the only one",
    },
    {
      name: 'another Region together with a service',
      remotes: [region('eu-west-1'), { type: 'AWS::AWSService', identifier: 'S3' }],
      rule: 'another Region cannot be combined with an AWS service',
    },
    {
      name: 'a VPC in another Region',
      remotes: [
        { type: 'AWS::EC2::VPC', identifier: arn('ec2', 'eu-west-1', `vpc/${vpc.identifier}`) },
      ],
      rule: 'is in eu-west-1, but the monitor is in us-east-1',
    },
    {
      name: 'a zone in another Region',
      locals: [{ type: 'AWS::AvailabilityZone', identifier: 'eu-west-1a' }],
      rule: 'is in eu-west-1',
    },
  ];
  test.each(broken)('rejects $name', async ({ locals: local, remotes: remote, rule }) => {
    const created = bench.monitors().create(owner, {
      ...request,
      localResources: local ?? [vpc],
      remoteResources: remote ?? [],
    });
    await expect(created).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(rule),
    });
  });

  test('a repeated resource counts once', async () => {
    const monitor = await bench
      .monitors()
      .create(owner, { ...request, localResources: [vpc, vpc] });
    expect(monitor.localResources).toEqual([vpc]);
  });
});

test.each(['', 'a b', 'ü', 'x'.repeat(256)])('rejects the name %j', async (monitorName) => {
  const created = bench.monitors().create(owner, { ...request, monitorName });
  await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
});
