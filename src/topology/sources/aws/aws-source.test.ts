import { afterEach, describe, expect, test, vi } from 'vitest';
import { FakeClock } from '../../../lib/clock.ts';
import { silentLog } from '../../../lib/log.ts';
import { Metrics } from '../../../lib/metrics.ts';
import { InconclusiveError } from '../../../model/inconclusive-error.ts';
import type { ScopeTarget } from '../../../model/scope.ts';
import type { SourceSlice } from '../../graph/source-statement.ts';
import { SliceReader } from '../slice-reader.ts';
import { RecordingSink, until } from '../testing.ts';
import { AwsSource } from './aws-source.ts';
import { ec2ForTests, SILENCE, TARGET, UNAUTHORIZED_OPERATION } from './testing.ts';

const ec2 = ec2ForTests();
vi.setConfig({ testTimeout: 30_000 });

const west = { ...TARGET, region: 'us-west-2' };
const other = { account: '222222222222', region: 'us-east-1' };
let source: AwsSource;
let sink: RecordingSink;
let metrics: Metrics;

afterEach(() => source.stop());

async function start(
  targets: readonly ScopeTarget[],
  slices: readonly SourceSlice[] = [],
  callMillis?: number,
) {
  sink = new RecordingSink();
  metrics = new Metrics();
  const clock = new FakeClock(1_800_000_000_000);
  source = new AwsSource({
    reader: new SliceReader({ sink, clock, log: silentLog, metrics }),
    access: { roleName: 'nfm', endpoint: ec2.url, callMillis },
    targets: async () => targets,
    slices: () => slices,
    log: silentLog,
  });
  await source.start();
}

const readings = (outcome: string) =>
  metrics.value('nfm_topology_source_readings_total', { source: 'aws', outcome });

test('every target is a slice, read from the start', async () => {
  ec2.set(TARGET, { DescribeVpcs: [{ vpcId: 'vpc-east' }] });
  ec2.set(west, { DescribeVpcs: [{ vpcId: 'vpc-west' }] });
  await start([TARGET, west]);
  await until(() => expect(sink.statements).toHaveLength(2));
  expect(sink.named('111111111111/us-east-1', 'vpc')).toMatchObject([{ id: 'vpc-east' }]);
  expect(sink.named('111111111111/us-west-2', 'vpc')).toMatchObject([{ id: 'vpc-west' }]);
  expect(sink.statements[0]).toMatchObject({ source: 'aws', atSeconds: 1_800_000_000 });
  expect(await readings('ok')).toBe(2);
});

test('a target that is denied fails with the reason, and the others are read', async () => {
  await start([other, TARGET]);
  await until(() => expect(sink.statements).toHaveLength(1));
  await until(() => expect(sink.failures).toHaveLength(1));
  expect(sink.failures[0]).toMatchObject({
    slice: '222222222222/us-east-1',
    message: expect.stringMatching(/^access denied in account 222222222222 .*sts:AssumeRole/),
  });
  expect(await readings('failed')).toBe(1);
});

test('a target that no scope has any more is withdrawn, and no other slice', async () => {
  await start(
    [TARGET],
    [
      { source: 'aws', slice: '111111111111/us-east-1' },
      { source: 'aws', slice: '111111111111/us-west-2' },
      { source: 'aws', slice: 'ip-ranges' },
      { source: 'inventory', slice: '111111111111/us-west-2' },
    ],
  );
  await until(() => expect(sink.statements).toHaveLength(1));
  expect(sink.withdrawn).toEqual(['111111111111/us-west-2']);
});

describe('covering the targets of a scope', () => {
  test('resolves when all are read', async () => {
    await start([]);
    await source.cover([TARGET, west], new AbortController().signal);
    expect(sink.statements.map(({ slice }) => slice).sort()).toEqual([
      '111111111111/us-east-1',
      '111111111111/us-west-2',
    ]);
  });

  test('rejects with the reasons, after all were tried', async () => {
    await start([]);
    ec2.fail = ({ region, action }) => {
      return region === 'us-west-2' && action === 'DescribeVpcs'
        ? UNAUTHORIZED_OPERATION
        : undefined;
    };
    const covered = source.cover([other, west, TARGET], new AbortController().signal);
    await expect(covered).rejects.toThrow(
      /access denied in account 222222222222.*; access denied in account 111111111111 \(us-west-2\): ec2:DescribeVpcs$/,
    );
    expect(sink.statements).toHaveLength(1);
  });

  test('joins a running reading, and reads no target twice at once', async () => {
    await start([TARGET]);
    await source.cover([TARGET], new AbortController().signal);
    expect(ec2.count('DescribeVpcs')).toBe(sink.statements.length);
    expect(sink.statements.length).toBeGreaterThan(0);
  });

  test('ends when it is aborted, whatever EC2 does', async () => {
    await start([]);
    const stopping = new AbortController();
    ec2.fail = ({ action }) => {
      if (action === 'DescribeVpcs') stopping.abort();
      return undefined;
    };
    await source.cover([TARGET], stopping.signal);
    expect(sink.failures).toEqual([]);
  });
});

describe('a target that never answers', () => {
  const silent = () => {
    ec2.fail = ({ parameters }) =>
      parameters.get('RoleArn')?.includes(other.account) ? SILENCE : undefined;
  };

  test('delays no other account, and is read again after its deadline', async () => {
    silent();
    await start([other, TARGET], [], 200);
    await until(() => expect(sink.statements).toHaveLength(1));
    await until(() => expect(sink.failures[0]?.message).toMatch(/no answer within 0.2 s$/));
    ec2.fail = () => undefined;
    ec2.allowRole(`arn:aws:iam::${other.account}:role/nfm`);
    await source.cover([other], new AbortController().signal);
    expect(sink.last('222222222222/us-east-1')).toBeDefined();
  });

  test('is no conclusion about its scope', async () => {
    silent();
    await start([], [], 200);
    const covered = source.cover([other, TARGET], new AbortController().signal);
    await expect(covered).rejects.toThrow(InconclusiveError);
    const denied = { ...other, account: '333333333333' };
    const conclusive = source.cover([other, denied], new AbortController().signal);
    await expect(conclusive).rejects.not.toThrow(InconclusiveError);
  });

  test('does not delay a stop', async () => {
    silent();
    await start([other]);
    await until(() => expect(ec2.requests.length).toBeGreaterThan(0));
    await source.stop();
    expect(sink.failures).toEqual([]);
  });
});

test('a stop during a reading is not a failure', async () => {
  await start([TARGET]);
  await until(() => expect(ec2.requests.length).toBeGreaterThan(0));
  await source.stop();
  expect(sink.failures).toEqual([]);
});
