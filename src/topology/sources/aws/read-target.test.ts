import { describe, expect, test, vi } from 'vitest';
import { AWS_TOPOLOGY_ACTIONS } from '../../../model/aws-topology-actions.ts';
import { InconclusiveError } from '../../../model/inconclusive-error.ts';
import { readTarget } from './read-target.ts';
import {
  type Ec2Request,
  ec2ForTests,
  REQUEST_LIMIT_EXCEEDED,
  readResources,
  SILENCE,
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

describe('a server that accepts a request and never answers', () => {
  const readQuickly = (roleName = 'nfm', target = TARGET) => {
    const access = { roleName, endpoint: ec2.url, callMillis: 200 };
    return readTarget(target, access, new AbortController().signal);
  };

  test.each([
    { action: 'AssumeRole', roleName: 'nfm' },
    { action: 'GetCallerIdentity', roleName: '' },
    { action: 'DescribeAvailabilityZones', roleName: 'nfm' },
    { action: 'DescribeSubnets', roleName: 'nfm' },
    { action: 'DescribeTransitGatewayPeeringAttachments', roleName: 'nfm' },
  ])('ends a reading at the deadline of $action', async ({ action, roleName }) => {
    ec2.fail = (request) => (request.action === action ? SILENCE : undefined);
    const read = readQuickly(roleName);
    await expect(read).rejects.toThrow(InconclusiveError);
    await expect(read).rejects.toThrow(new RegExp(`${action}.*: no answer within 0.2 s$`));
    await vi.waitFor(() => expect(ec2.connections).toBe(0), 10_000);
  });

  test('ends a reading between two pages', async () => {
    ec2.pageSize = 1;
    ec2.set(TARGET, { DescribeVpcs: [{ vpcId: 'vpc-1' }, { vpcId: 'vpc-2' }] });
    ec2.fail = ({ parameters }) => (parameters.has('NextToken') ? SILENCE : undefined);
    await expect(readQuickly()).rejects.toThrow('ec2:DescribeVpcs: no answer within 0.2 s');
  });

  test('does not delay a stop', async () => {
    const stopping = new AbortController();
    ec2.fail = () => {
      stopping.abort(new Error('stopped'));
      return SILENCE;
    };
    const access = { roleName: 'nfm', endpoint: ec2.url };
    await expect(readTarget(TARGET, access, stopping.signal)).rejects.toThrow('stopped');
  });
});

describe('a failure decides only if AWS has answered', () => {
  test.each([
    { status: 503, code: 'Unavailable', isOpen: true },
    { status: 400, code: 'OptInRequired', isOpen: false },
    { status: 401, code: 'AuthFailure', isOpen: false },
  ])(
    '$code',
    async ({ isOpen, ...failure }) => {
      ec2.fail = ({ action }) =>
        action === 'DescribeVpcs' ? { ...failure, message: 'for a reason' } : undefined;
      const error = await read().catch((caught: unknown) => caught);
      expect(error instanceof InconclusiveError).toBe(isOpen);
    },
    60_000,
  );

  test('a refused connection', async () => {
    const access = { roleName: 'nfm', endpoint: 'http://127.0.0.1:1' };
    const refused = readTarget(TARGET, access, new AbortController().signal);
    await expect(refused).rejects.toThrow(InconclusiveError);
    await expect(refused).rejects.toThrow(/sts:AssumeRole on .*: .*ECONNREFUSED/);
  });
});

test('every call is in the policy that nfm topology policy prints', async () => {
  ec2.fail = ({ action }) => (action === 'AssumeRole' ? undefined : UNAUTHORIZED_OPERATION);
  await expect(read()).rejects.toThrow('access denied');
  const called = ec2.requests.slice(1).map(({ action }) => `ec2:${action}`);
  // The last two are called for each prefix list and transit gateway route table.
  const perItem = ['ec2:GetManagedPrefixListEntries', 'ec2:SearchTransitGatewayRoutes'];
  expect([...called, ...perItem].sort()).toEqual([...AWS_TOPOLOGY_ACTIONS].sort());
});

describe('denied calls', () => {
  const deny = (...actions: readonly string[]) => {
    ec2.fail = ({ action }: Ec2Request) =>
      actions.includes(action) ? UNAUTHORIZED_OPERATION : undefined;
  };

  test('leave their kinds unread, and one warning names all of them', async () => {
    deny('DescribeNatGateways', 'DescribeTransitGateways');
    ec2.set(TARGET, { DescribeVpcs: [{ vpcId: 'vpc-1' }] });
    const content = await read();
    expect(content.resources.map(({ id }) => id)).toContain('vpc-1');
    expect(content.unreadKinds).toEqual(['nat-gateway', 'transit-gateway']);
    expect(content.warnings).toEqual([
      'access denied in account 111111111111 (us-east-1): ec2:DescribeNatGateways, ec2:DescribeTransitGateways; nfm topology policy prints what the role needs',
    ]);
  });

  test('fail a reading if one of them is essential, and the error names all of them', async () => {
    deny('DescribeVpcs', 'DescribeRouteTables');
    await expect(read()).rejects.toThrow(
      /\(us-east-1\): ec2:DescribeVpcs, ec2:DescribeRouteTables$/,
    );
  });
});

describe('other implementations of EC2', () => {
  test('that refuse an optional parameter are asked without it', async () => {
    ec2.fail = ({ parameters }) =>
      parameters.has('MaxResults') || parameters.has('AllAvailabilityZones')
        ? { status: 400, code: 'InvalidParameterValue', message: 'not supported' }
        : undefined;
    const found = await readResources(ec2, {
      DescribeVpcs: [{ vpcId: 'vpc-1' }],
      DescribeAvailabilityZones: [
        { zoneId: 'use1-az1', zoneName: 'us-east-1a', regionName: 'us-east-1' },
      ],
    });
    expect(found.map(({ id }) => id)).toEqual(['use1-az1', 'vpc-1']);
  });

  test('that repeat a page token fail the reading', async () => {
    ec2.fail = ({ action }) =>
      action === 'DescribeVpcs'
        ? {
            status: 200,
            body: '<DescribeVpcsResponse><nextToken>1</nextToken></DescribeVpcsResponse>',
          }
        : undefined;
    await expect(read()).rejects.toThrow('ec2:DescribeVpcs: the same page token came twice');
  });

  test.each([
    { status: 403, body: '<html>go away</html>' },
    { status: 403, body: '' },
    { status: 200, body: 'hello' },
  ])('whose answer is not one of AWS fail with its status: $status $body', async (answer) => {
    ec2.fail = ({ action }) => (action === 'DescribeVpcs' ? answer : undefined);
    await expect(read()).rejects.toThrow(
      `ec2:DescribeVpcs: the answer, HTTP status ${answer.status}, is not one of AWS`,
    );
  });
});

describe("keys of this server's own", () => {
  test('sign no call to AWS', async () => {
    const access = { roleName: 'nfm', endpoint: ec2.url, isOwnKey: async () => true };
    await expect(readTarget(TARGET, access, new AbortController().signal)).rejects.toThrow(
      'ASIA000000000000 is a key of this server, not of AWS',
    );
    expect(ec2.requests).toEqual([]);
  });
});
