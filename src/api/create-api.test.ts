import { describe, expect, test } from 'vitest';
import { ApiError } from '../model/api-error.ts';
import type { Permissions } from '../model/permissions.ts';
import { createApi } from './create-api.ts';
import { jsonAnswer } from './json-answer.ts';
import { admin, memoryApi, outcomeOf, rawRequest } from './testing.ts';
import type { ExtensionRoute } from './v1/extension-route.ts';

const target = {
  targetIdentifier: { targetId: { accountId: '123456789012' }, targetType: 'ACCOUNT' },
  region: 'us-east-1',
};

const echo: ExtensionRoute = {
  method: 'GET',
  path: '/api/v1/echo/{word}',
  action: 'nfm:GetEcho',
  resource: ({ labels }) => `arn:aws:nfm:::word/${labels.word}`,
  answer: async ({ principal, labels }) => jsonAnswer({ account: principal.account, ...labels }),
};

describe('routing', () => {
  test('an unknown path or method is 404 UnknownOperationException', async () => {
    const api = createApi(memoryApi().deps);
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['PUT', '/scopes'],
      ['GET', '/scopes/a/b'],
      ['GET', '//scopes'],
    ] as const) {
      const answer = outcomeOf(await api(rawRequest(method, path), admin));
      expect(answer).toMatchObject({ status: 404, error: 'UnknownOperationException' });
    }
  });

  test('an encoded slash stays inside its label, and a dot segment is an ordinary name', async () => {
    const api = createApi(memoryApi().deps);
    const slash = outcomeOf(await api(rawRequest('GET', '/scopes/a%2Fb'), admin));
    expect(slash).toMatchObject({ status: 404, error: 'ResourceNotFoundException' });
    expect(slash.message).toContain('us-east-1/a/b ');
    const dots = outcomeOf(await api(rawRequest('GET', '/monitors/..'), admin));
    expect(dots).toMatchObject({ status: 404, error: 'ResourceNotFoundException' });
  });

  test('a path of the extension API reaches its route with decoded labels', async () => {
    const api = createApi(memoryApi({ extensionRoutes: [echo] }).deps);
    const answer = await api(rawRequest('GET', '/api/v1/echo/a%2Fb?x=1'), admin);
    expect(answer.body).toBe('{"account":"123456789012","word":"a/b"}');
    expect(answer.headers['x-amzn-RequestId']).toBeDefined();
    for (const [method, path] of [
      ['GET', '/api/v1/echo/%FF'],
      ['GET', '/api/v1/echo/'],
      ['GET', '/api/v1/echo'],
      ['POST', '/api/v1/echo/a'],
    ] as const) {
      const refused = outcomeOf(await api(rawRequest(method, path), admin));
      expect(refused).toMatchObject({ status: 404, error: 'UnknownOperationException' });
    }
  });
});

describe('authorization', () => {
  test("an agent's key is denied every call, and the message names the action", async () => {
    const api = createApi(memoryApi({ extensionRoutes: [echo] }).deps);
    const agent = { ...admin, accessKeyId: 'AKIDAGENT', kind: 'agent' } as const;
    const operation = outcomeOf(await api(rawRequest('GET', '/scopes'), agent));
    expect(operation).toMatchObject({ status: 403, error: 'AccessDeniedException' });
    expect(operation.message).toContain('AKIDAGENT');
    expect(operation.message).toContain('networkflowmonitor:ListScopes');
    const own = outcomeOf(await api(rawRequest('GET', '/api/v1/echo/a'), agent));
    expect(own).toMatchObject({ status: 403, error: 'AccessDeniedException' });
    expect(own.message).toContain('nfm:GetEcho on resource: arn:aws:nfm:::word/a');
  });

  const scope = 'arn:aws:networkflowmonitor:us-east-1:123456789012:scope/*';
  const monitor = 'arn:aws:networkflowmonitor:us-east-1:123456789012:monitor/web';
  const resource = { type: 'AWS::EC2::VPC', identifier: 'vpc-03ea55eeda25adbb0' };
  const webMonitor = {
    monitorName: 'web',
    localResources: [resource],
    scopeArn: scope.replace('*', '97626f8d-8a21-4b5d-813a-000000000001'),
  };
  const asked = [
    { name: 'a scope', method: 'GET', path: '/scopes/a', on: scope.replace('*', 'a') },
    { name: 'a monitor', method: 'GET', path: '/monitors/web', on: monitor },
    {
      name: 'a query of insights',
      method: 'GET',
      path: '/workloadInsights/s-1/topContributorsQueries/q-1/status',
      on: scope.replace('*', 's-1'),
    },
    {
      name: 'a new monitor',
      method: 'POST',
      path: '/monitors',
      body: webMonitor,
      on: monitor,
    },
    {
      name: 'the tags of a new monitor',
      method: 'POST',
      path: '/monitors',
      body: { ...webMonitor, tags: { a: 'b' } },
      on: monitor,
      action: 'TagResource',
    },
    {
      name: 'the tags of a new scope',
      method: 'POST',
      path: '/scopes',
      body: { targets: [target], tags: { a: 'b' } },
      on: scope,
      action: 'TagResource',
    },
    {
      name: 'a tagged monitor',
      method: 'GET',
      path: `/tags/${encodeURIComponent(monitor)}`,
      on: monitor,
    },
    {
      name: 'no resource (a new scope)',
      method: 'POST',
      path: '/scopes',
      body: { targets: [target] },
    },
    { name: 'no resource (list of scopes)', method: 'GET', path: '/scopes' },
    { name: 'no resource (list of monitors)', method: 'GET', path: '/monitors' },
  ];
  test.each(asked)('the policy decides about $name', async (request) => {
    const { method, path, body, on, action } = request;
    const seen: (readonly [string, string | undefined])[] = [];
    const permissions: Permissions = {
      decide: (name, on) => {
        seen.push([name, on]);
        return action === undefined || name.endsWith(`:${action}`) ? 'denied' : 'allowed';
      },
    };
    const api = createApi(memoryApi().deps);
    const custom = { ...admin, kind: 'custom', permissions } as const;
    const answer = outcomeOf(await api(rawRequest(method, path, body), custom));
    expect(answer).toMatchObject({ status: 403, error: 'AccessDeniedException' });
    expect(answer.message).toContain(`on resource: ${on ?? '*'} because`);
    expect(seen.at(-1)?.[1]).toBe(on);
  });

  test('invalid input is rejected before authorization', async () => {
    const api = createApi(memoryApi().deps);
    const agent = { ...admin, kind: 'agent' } as const;
    const answer = outcomeOf(await api(rawRequest('POST', '/scopes', {}), agent));
    expect(answer).toMatchObject({ status: 400, error: 'ValidationException' });
  });
});

describe('bad requests', () => {
  const cases = [
    { name: 'not JSON', body: '{"targets":', error: 'SerializationException', message: 'JSON' },
    { name: 'not an object', body: '[]', error: 'SerializationException', message: 'object' },
    { name: 'a member missing', body: {}, message: "'targets'" },
    { name: 'no target', body: { targets: [] }, message: "'targets'" },
    { name: '101 targets', body: { targets: Array(101).fill(target) }, message: "'targets'" },
    {
      name: 'a null target',
      body: { targets: [null] },
      message: "'targets[0]' failed to satisfy constraint: Member must not be null",
    },
    {
      name: 'an account of 11 digits',
      body: {
        targets: [
          { ...target, targetIdentifier: { targetId: { accountId: '1' }, targetType: 'ACCOUNT' } },
        ],
      },
      message: "'targets[0].targetIdentifier.targetId.accountId'",
    },
    {
      name: 'a union with two keys',
      body: {
        targets: [
          {
            ...target,
            targetIdentifier: {
              targetId: { accountId: '123456789012', ou: 'x' },
              targetType: 'ACCOUNT',
            },
          },
        ],
      },
      message: 'exactly one member',
    },
    {
      name: 'a union with no key',
      body: {
        targets: [{ ...target, targetIdentifier: { targetId: {}, targetType: 'ACCOUNT' } }],
      },
      message: 'exactly one member',
    },
    {
      name: 'an unknown target type',
      body: {
        targets: [
          {
            ...target,
            targetIdentifier: { targetId: { accountId: '123456789012' }, targetType: 'OU' },
          },
        ],
      },
      message: 'enum value set: [ACCOUNT]',
    },
    {
      name: 'a token of 65 characters',
      body: { targets: [target], clientToken: 'x'.repeat(65) },
      message: "'clientToken'",
    },
    {
      name: 'a token that is not ASCII',
      body: { targets: [target], clientToken: 'é' },
      message: "'clientToken'",
    },
    {
      name: 'a tag key of 129 characters',
      body: { targets: [target], tags: { ['k'.repeat(129)]: 'v' } },
      message: "'tags.key'",
    },
    {
      name: 'a tag value of 257 characters',
      body: { targets: [target], tags: { k: 'v'.repeat(257) } },
      message: "'tags['k']'",
    },
    {
      name: 'NUL in a string',
      body: { targets: [target], tags: { k: 'a\u0000' } },
      message: 'without NUL',
    },
  ];
  test.each(cases)('CreateScope rejects $name', async ({ body, error, message }) => {
    const { deps, scopes } = memoryApi();
    const answer = outcomeOf(await createApi(deps)(rawRequest('POST', '/scopes', body), admin));
    expect(answer).toMatchObject({ status: 400, error: error ?? 'ValidationException' });
    expect(answer.message).toContain(message);
    expect(scopes.size).toBe(0);
  });

  test('a form is rejected with 415, because a page of another site can make a browser post one', async () => {
    const api = createApi(memoryApi().deps);
    const headers = new Map([['content-type', ['text/plain']]]);
    const request = { ...rawRequest('POST', '/scopes', { targets: [target] }), headers };
    expect(outcomeOf(await api(request, admin))).toMatchObject({ status: 415 });
  });

  const queryCases = [
    { name: 'maxResults=x', query: 'maxResults=x', message: "'maxResults'" },
    { name: 'maxResults=26', query: 'maxResults=26', message: 'less than or equal to 25' },
    { name: 'maxResults=0', query: 'maxResults=0', message: 'greater than or equal to 1' },
    { name: 'two maxResults', query: 'maxResults=1&maxResults=2', message: 'sent once' },
    { name: 'an unknown status', query: 'monitorStatus=GONE', message: "'monitorStatus'" },
    { name: 'a forged token', query: 'nextToken=MjU.AAAA', message: 'nextToken' },
    { name: 'an empty token', query: 'nextToken=', message: 'nextToken' },
  ];
  test.each(queryCases)('ListMonitors rejects $name', async ({ query, message }) => {
    const api = createApi(memoryApi().deps);
    const answer = outcomeOf(await api(rawRequest('GET', `/monitors?${query}`), admin));
    expect(answer).toMatchObject({ status: 400, error: 'ValidationException' });
    expect(answer.message).toContain(message);
  });

  test('unknown query parameters and members are ignored, and null members count as absent', async () => {
    const api = createApi(memoryApi().deps);
    expect((await api(rawRequest('GET', '/scopes?future=1'), admin)).status).toBe(200);
    const body = { targets: [target], tags: null, future: { a: 1 } };
    expect((await api(rawRequest('POST', '/scopes', body), admin)).status).toBe(200);
  });
});

describe('errors', () => {
  test('an error that the operation does not declare is answered as ValidationException', async () => {
    const { deps } = memoryApi();
    const get = async () => {
      throw new ApiError('ConflictException', 'what happened');
    };
    const api = createApi({ ...deps, monitors: { ...deps.monitors, get } });
    const answer = outcomeOf(await api(rawRequest('GET', '/monitors/m'), admin));
    expect(answer).toEqual({ status: 400, error: 'ValidationException', message: 'what happened' });
  });

  test('an internal error is answered without detail and logged once with the request id', async () => {
    const logged: unknown[] = [];
    const { deps } = memoryApi();
    const get = async () => {
      throw new Error('secret detail');
    };
    const log = { ...deps.log, error: (...line: unknown[]) => void logged.push(line) };
    const api = createApi({ ...deps, log, monitors: { ...deps.monitors, get } });
    const answer = await api(rawRequest('GET', '/monitors/m'), admin);
    expect(outcomeOf(answer)).toMatchObject({ status: 500, error: 'InternalServerException' });
    expect(answer.body).not.toContain('secret');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject([
      'cannot answer a request',
      { requestId: answer.headers['x-amzn-RequestId'] },
    ]);
  });
});
