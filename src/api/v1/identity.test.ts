import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccessKeys } from '../../auth/access-keys.ts';
import { Accounts } from '../../auth/accounts.ts';
import { CompiledPolicy } from '../../auth/compiled-policy.ts';
import { SecretBox } from '../../auth/secret-box.ts';
import { AuditLog } from '../../control/audit-log.ts';
import { migrateControl } from '../../control/control-tables.ts';
import { Organization } from '../../control/organization.ts';
import { FakeClock } from '../../lib/clock.ts';
import { type Database, openDatabase } from '../../lib/database.ts';
import { silentLog } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { ApiError } from '../../model/api-error.ts';
import type { Principal } from '../../model/owner.ts';
import { createApi } from '../create-api.ts';
import { NextTokens } from '../next-tokens.ts';
import { admin as caller, memoryApi, rawRequest } from '../testing.ts';
import { accountRoutes } from './account-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { organizationRoutes } from './organization-routes.ts';

const management = caller.account;
const member = '210987654321';

let database: Database;
let keys: AccessKeys;
let admin: Principal;
let closed: string[];
let api: ReturnType<typeof createApi>;
beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
  const clock = new FakeClock(Date.UTC(2026, 10, 23, 12));
  const secrets = new SecretBox({ key: randomBytes(32), random: randomBytes });
  keys = new AccessKeys({ database, secrets, clock, random: randomBytes });
  await keys.migrate();
  const onChange = (account: string) => keys.forgetAccount(account);
  const accounts = new Accounts({ database, clock, onChange });
  await migrateControl(database);
  const organization = new Organization({ database, clock });
  const administration = organization;
  await organization.ensure({ managementAccount: management, delegatedAdministrators: [] });
  const maxEvents = 1_000;
  const audit = new AuditLog({ database, log: silentLog, metrics: new Metrics(), maxEvents });
  // Each call has its own millisecond, because the log sorts calls of one millisecond by random ids.
  const calls = new FakeClock(clock.now());
  const now = () => {
    calls.advance(1);
    return calls.now();
  };
  const tokens = new NextTokens(randomBytes(32));
  closed = [];
  const closeSessions = (accessKeyId: string) => void closed.push(accessKeyId);
  const refuseInUse = async (account: string) => {
    if (account === '333333333333') throw new ApiError('ConflictException', 'it has a scope');
  };
  api = createApi(
    memoryApi({
      extensionRoutes: [
        ...accountRoutes({ accounts, administration, refuseInUse }),
        ...keyRoutes({ keys, accounts, administration, closeSessions }),
        ...organizationRoutes({ organization, accounts }),
        ...auditRoutes({ audit, administration, tokens, now }),
      ],
      newRequestId: randomUUID,
      now,
      record: (event, atMillis) => audit.record(event, atMillis),
    }).deps,
  );
  admin = await keyOf(management, { kind: 'admin' });
});
afterEach(() => database.destroy());

test('a key cannot create or change a key that may do more', async () => {
  const creator = await customKey('nfm:*Key');
  const denied = { http: 403, error: 'AccessDeniedException' };
  for (const kind of ['admin', 'read', 'agent']) {
    expect(await ask(creator, 'POST keys', { kind })).toMatchObject(denied);
  }
  const policy = policyOf('nfm:GetKey');
  expect(await ask(creator, 'POST keys', { policy })).toMatchObject({ http: 200 });
  const { accessKeyId } = await keyOf(management, { kind: 'read' });
  const path = `PATCH keys/${accessKeyId}`;
  expect(await ask(creator, path, { kind: 'admin' })).toMatchObject(denied);
  await ask(admin, path, { status: 'DISABLED' });
  expect(await ask(creator, path, { status: 'ENABLED' })).toMatchObject(denied);
  expect(await ask(admin, path, { status: 'ENABLED' })).toMatchObject({ http: 200 });
});

function policyOf(action: string) {
  return { Statement: [{ Effect: 'Allow' as const, Action: [action], Resource: ['*'] }] };
}

async function customKey(action: string): Promise<Principal> {
  const policy = policyOf(action);
  const { accessKeyId } = await keys.create({
    account: management,
    grant: { kind: 'custom', policy },
  });
  const permissions = new CompiledPolicy(policy);
  return { account: management, kind: 'custom', permissions, accessKeyId, region: 'us-east-1' };
}

async function keyOf(account: string, grant: { kind: 'admin' | 'read' }): Promise<Principal> {
  const { accessKeyId, kind } = await keys.create({ account, grant });
  return { account, kind, accessKeyId, region: 'us-east-1' };
}

async function ask(principal: Principal, line: string, body?: unknown) {
  const [method = '', path = ''] = line.split(' ');
  const response = await api(rawRequest(method, `/api/v1/${path}`, body), principal);
  const members = JSON.parse(String(response.body)) as Record<string, unknown>;
  return { http: response.status, error: response.headers['x-amzn-ErrorType'], ...members };
}

describe('accounts', () => {
  test('are created, listed, disabled and deleted by the management account', async () => {
    expect(await ask(admin, 'POST accounts', { account: member, description: 'shop' })).toEqual({
      http: 200,
      error: undefined,
      status: 'ENABLED',
      account: member,
      description: 'shop',
      accessKeys: 0,
      createdAt: '2026-11-23T12:00:00.000Z',
    });
    const list = await ask(admin, 'GET accounts');
    expect(list).toMatchObject({ accounts: [{ account: management }, { account: member }] });
    const change = { status: 'DISABLED' };
    expect(await ask(admin, `PATCH accounts/${member}`, change)).toMatchObject(change);
    expect(await ask(admin, `DELETE accounts/${member}`)).toMatchObject({ http: 200 });
    expect(await ask(admin, `DELETE accounts/${member}`)).toMatchObject({
      http: 404,
      error: 'ResourceNotFoundException',
    });
  });

  test.each([
    { name: 'no account', line: 'POST accounts', body: {}, message: 'account is required' },
    {
      name: 'an account that is a number',
      line: 'POST accounts',
      body: { account: 210987654321 },
      message: 'account must be a string of 12 digits',
    },
    {
      name: 'an unknown member',
      line: 'POST accounts',
      body: { account: member, name: 'x' },
      message: 'unknown member name; expected account or description',
    },
    {
      name: 'another status',
      line: `PATCH accounts/${management}`,
      body: { status: 'Active' },
      message: 'status must be ENABLED or DISABLED',
    },
  ])('$name is a ValidationException that names it', async ({ line, body, message }) => {
    const answer = await ask(admin, line, body);
    expect(answer).toMatchObject({ http: 400, error: 'ValidationException' });
    expect(answer).toMatchObject({ message: expect.stringContaining(message) });
  });

  test.each([
    { line: `PATCH accounts/${management}`, body: { status: 'DISABLED' } },
    { line: `DELETE accounts/${management}`, body: undefined },
    { line: 'DELETE accounts/333333333333', body: undefined },
  ])(
    '$line is a conflict, because it would lock the caller out or lose resources',
    async ({ line, body }) => {
      expect(await ask(admin, line, body)).toMatchObject({ error: 'ConflictException' });
    },
  );
});

describe('keys', () => {
  test('are created with a secret that is shown once and never listed', async () => {
    const made = await ask(admin, 'POST keys', { kind: 'agent', description: 'rack 7' });
    expect(made).toMatchObject({ account: management, kind: 'agent', status: 'ENABLED' });
    const { accessKeyId, secretAccessKey } = made as Record<string, unknown>;
    expect(await keys.find(String(accessKeyId))).toMatchObject({ secretAccessKey });
    const list = JSON.stringify(await ask(admin, 'GET keys'));
    expect(list).toContain(String(accessKeyId));
    expect(list).not.toContain(String(secretAccessKey));
    expect(JSON.stringify(await ask(admin, `GET keys/${accessKeyId}`))).toContain('rack 7');
  });

  test('with their own policy may do what it allows', async () => {
    const Statement = { Effect: 'Allow', Action: 'nfm:ListKeys', Resource: '*' };
    const made = await ask(admin, 'POST keys', { policy: { Statement } });
    expect(made).toMatchObject({ kind: 'custom' });
    const key = await keys.find(String((made as Record<string, unknown>).accessKeyId));
    const custom: Principal = { ...admin, ...key };
    expect(await ask(custom, 'GET keys')).toMatchObject({ http: 200 });
    expect(await ask(custom, 'GET accounts')).toMatchObject({
      http: 403,
      error: 'AccessDeniedException',
      message: expect.stringContaining('nfm:ListAccounts on resource: *'),
    });
  });

  test('lose their sessions when they are disabled or deleted', async () => {
    const other = (await keyOf(management, { kind: 'read' })).accessKeyId;
    await ask(admin, `PATCH keys/${other}`, { status: 'DISABLED' });
    expect(await keys.find(other)).toBeUndefined();
    await ask(admin, `DELETE keys/${other}`);
    expect(closed).toEqual([other, other]);
    expect(await ask(admin, `GET keys/${other}`)).toMatchObject({ http: 404 });
  });

  test.each([
    { name: 'deleting', method: 'DELETE', body: undefined },
    { name: 'disabling', method: 'PATCH', body: { status: 'DISABLED' } },
    { name: 'restricting', method: 'PATCH', body: { kind: 'read' } },
  ])('$name the key that signs is a conflict', async ({ method, body }) => {
    const answer = await ask(admin, `${method} keys/${admin.accessKeyId}`, body);
    expect(answer).toMatchObject({ http: 409, error: 'ConflictException' });
  });

  test.each([
    { name: 'neither kind nor policy', body: {}, message: 'kind or policy is required' },
    {
      name: 'custom without a policy',
      body: { kind: 'custom' },
      message: 'policy is required for a key of kind custom',
    },
    {
      name: 'a built-in kind with a policy',
      body: { kind: 'read', policy: {} },
      message: 'policy must be absent',
    },
    { name: 'a bad policy', body: { policy: {} }, message: 'policy.Statement must not be empty' },
    {
      name: 'an unknown kind',
      body: { kind: 'root' },
      message: 'kind must be admin, read, agent or custom',
    },
    {
      name: 'a description with a line break',
      body: { kind: 'read', description: 'a\nb' },
      message: 'description must be a string of at most 256',
    },
  ])('$name is a ValidationException that names it', async ({ body, message }) => {
    const answer = await ask(admin, 'POST keys', body);
    expect(answer).toMatchObject({ http: 400, error: 'ValidationException' });
    expect(answer).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('cannot be created for an account that does not exist', async () => {
    const answer = await ask(admin, 'POST keys', { account: '444444444444', kind: 'read' });
    expect(answer).toMatchObject({ http: 404, error: 'ResourceNotFoundException' });
  });
});

describe("another account's administrator", () => {
  test('administers its own keys, but neither accounts nor the keys of others', async () => {
    const other = await keyOf(member, { kind: 'admin' });
    expect(await ask(other, 'POST keys', { kind: 'agent' })).toMatchObject({ account: member });
    for (const [line, body] of [
      ['GET accounts', undefined],
      ['POST accounts', { account: '444444444444' }],
      [`PATCH accounts/${member}`, { status: 'DISABLED' }],
      [`DELETE accounts/${management}`, undefined],
      [`GET keys?account=${management}`, undefined],
      ['POST keys', { account: management, kind: 'admin' }],
    ] as const) {
      expect(await ask(other, line, body)).toMatchObject({ error: 'AccessDeniedException' });
    }
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await ask(other, `${method} keys/${admin.accessKeyId}`);
      expect(answer).toMatchObject({ http: 404, error: 'ResourceNotFoundException' });
    }
    expect(await ask(admin, `GET keys/${other.accessKeyId}`)).toMatchObject({ account: member });
  });

  test('a key of kind read administers nothing', async () => {
    const reader = await keyOf(management, { kind: 'read' });
    for (const line of ['GET accounts', 'GET keys', 'POST keys', 'DELETE keys/x']) {
      const answer = await ask(reader, line, line.startsWith('POST') ? {} : undefined);
      expect(answer).toMatchObject({ error: 'AccessDeniedException' });
    }
  });
});

describe('the organization', () => {
  const joinedAt = '2026-11-23T12:00:00.000Z';

  test('adds, promotes, demotes and removes members, and changes its management account', async () => {
    await ask(admin, 'POST accounts', { account: member });
    const joined = { account: member, isDelegatedAdministrator: false, joinedAt };
    const add = await ask(admin, 'POST organization/members', { account: member });
    expect(add).toMatchObject({ managementAccount: management, members: [joined] });
    const path = `organization/members/${member}`;
    const raised = await ask(admin, `PATCH ${path}`, { isDelegatedAdministrator: true });
    expect(raised).toMatchObject({ members: [{ isDelegatedAdministrator: true }] });
    await ask(admin, `PATCH ${path}`, { isDelegatedAdministrator: false });
    expect(await ask(admin, `DELETE ${path}`)).toMatchObject({ members: [] });
    await ask(admin, 'POST organization/members', { account: member });
    const handed = await ask(admin, 'PATCH organization', { managementAccount: member });
    expect(handed).toMatchObject({ managementAccount: member });
    expect(await ask(admin, 'GET organization')).toMatchObject({ error: 'AccessDeniedException' });
    const other = await keyOf(member, { kind: 'admin' });
    expect(await ask(other, 'GET organization')).toMatchObject({
      members: [{ account: management, isDelegatedAdministrator: true }],
    });
  });

  test.each([
    { line: 'POST organization/members', body: {}, error: 'ValidationException' },
    {
      line: 'POST organization/members',
      body: { account: '444444444444' },
      error: 'ResourceNotFoundException',
    },
    { line: 'PATCH organization', body: {}, error: 'ValidationException' },
    {
      line: 'PATCH organization/members/444444444444',
      body: { isDelegatedAdministrator: 'yes' },
      error: 'ValidationException',
    },
  ])('$line $body: $error', async ({ line, body, error }) => {
    expect(await ask(admin, line, body)).toMatchObject({ error });
  });
});

describe('the audit log', () => {
  const names = (answer: unknown) =>
    (answer as { events: readonly { eventName: string }[] }).events.map((one) => one.eventName);

  test('shows an account its own calls in pages, and the management account those of any', async () => {
    const other = await keyOf(member, { kind: 'admin' });
    await ask(other, 'GET keys');
    await ask(other, 'GET accounts');
    const first = await ask(other, 'GET audit?limit=1');
    const { nextToken } = first as Record<string, unknown>;
    const second = await ask(other, `GET audit?limit=1&nextToken=${nextToken}`);
    expect([...names(first), ...names(second)].sort()).toEqual(['ListAccounts', 'ListKeys']);
    const all = await ask(admin, `GET audit?account=${member}&eventName=ListAccounts`);
    expect(all).toMatchObject({
      events: [{ errorCode: 'AccessDenied', userIdentity: { accessKeyId: other.accessKeyId } }],
    });
    const one = await ask(admin, `GET audit?account=${member}&nextToken=${nextToken}`);
    expect(one).toMatchObject({ error: 'ValidationException' });
  });

  test("contains no secret, and hides another account's calls", async () => {
    const made = await ask(admin, 'POST keys', { kind: 'agent' });
    const { secretAccessKey } = made as Record<string, unknown>;
    const log = JSON.stringify(await ask(admin, 'GET audit?eventName=CreateKey'));
    expect(log).toContain('"requestParameters":{"Kind":"agent"}');
    expect(log).not.toContain(secretAccessKey);
    const other = await keyOf(member, { kind: 'admin' });
    const answer = await ask(other, `GET audit?account=${management}`);
    expect(answer).toMatchObject({ error: 'AccessDeniedException' });
  });
});
