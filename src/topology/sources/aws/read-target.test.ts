import { describe, expect, test } from 'vitest';
import { readTarget } from './read-target.ts';
import {
  ec2ForTests,
  REQUEST_LIMIT_EXCEEDED,
  readResources,
  TARGET,
  UNAUTHORIZED_OPERATION,
} from './testing.ts';

const ec2 = ec2ForTests();

const read = (roleName = 'nfm', target = TARGET) =>
  readTarget(target, { roleName, endpoint: ec2.url }, new AbortController().signal);

describe('a reading', () => {
  test('has the account and its Region, even when both are empty', async () => {
    expect((await read()).resources).toEqual([
      { kind: 'account', id: '111111111111' },
      { kind: 'region', id: 'us-east-1' },
    ]);
  });

  test('reads all pages', async () => {
    ec2.pageSize = 2;
    const vpcs = Array.from({ length: 5 }, (_, i) => ({ vpcId: `vpc-${i}` }));
    const found = await readResources(ec2, { DescribeVpcs: vpcs });
    expect(found.map(({ id }) => id)).toEqual(['vpc-0', 'vpc-1', 'vpc-2', 'vpc-3', 'vpc-4']);
    expect(ec2.count('DescribeVpcs')).toBe(3);
  });

  test('retries after throttling', async () => {
    ec2.fail = ({ action }) => {
      return action === 'DescribeVpcs' && ec2.count(action) === 1
        ? REQUEST_LIMIT_EXCEEDED
        : undefined;
    };
    expect(await readResources(ec2, { DescribeVpcs: [{ vpcId: 'vpc-1' }] })).toHaveLength(1);
    expect(ec2.count('DescribeVpcs')).toBe(2);
  });

  test("calls EC2 with the target's role, in its Region", async () => {
    await read();
    const asked = new Set(ec2.requests.slice(1).map(({ account, region }) => account + region));
    expect([...asked]).toEqual(['111111111111us-east-1']);
    expect(ec2.requests[0]).toMatchObject({ account: '000000000000', region: 'us-east-1' });
  });

  test('without a role calls EC2 as the server itself', async () => {
    await read('', { account: '000000000000', region: 'eu-west-1' });
    const asked = new Set(ec2.requests.map(({ account, region }) => account + region));
    expect([...asked]).toEqual(['000000000000eu-west-1']);
  });

  test.each([
    {
      name: 'with a denied call fails with the call',
      fail: ({ action }: { action: string }) =>
        action === 'DescribeSubnets' ? UNAUTHORIZED_OPERATION : undefined,
      message: 'access denied in account 111111111111 (us-east-1): ec2:DescribeSubnets',
    },
    {
      name: 'with another error fails with the error',
      fail: ({ action }: { action: string }) =>
        action === 'DescribeVpcs'
          ? { status: 401, code: 'AuthFailure', message: 'AWS was not able to validate' }
          : undefined,
      message:
        'cannot read account 111111111111 (us-east-1): ec2:DescribeVpcs: AuthFailure: AWS was not able to validate',
    },
  ])('$name', async ({ fail, message }) => {
    ec2.fail = fail;
    await expect(read()).rejects.toThrow(message);
  });

  test('of an account whose role cannot be assumed fails with the role', async () => {
    await expect(read('nfm', { ...TARGET, account: '333333333333' })).rejects.toThrow(
      'access denied in account 333333333333 (us-east-1): sts:AssumeRole on arn:aws:iam::333333333333:role/nfm',
    );
  });

  test("without a role fails for an account other than the server's", async () => {
    await expect(read('')).rejects.toThrow(
      "cannot read account 111111111111 (us-east-1): sts:GetCallerIdentity: the server's credentials belong to account 000000000000; set --aws-role-name",
    );
  });
});
