import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ControlBench, controlBench, owner } from '../control/testing.ts';
import type { AuthenticatedHandler } from './api-deps.ts';
import { createApi } from './create-api.ts';
import { admin, memoryApi, rawRequest } from './testing.ts';

const target = (region: string) => ({
  targetIdentifier: { targetId: { accountId: owner.account }, targetType: 'ACCOUNT' },
  region,
});
const zone = (n: number) => ({ type: 'AWS::AvailabilityZone', identifier: `use1-az${n}` });
const arn = (resource: string, where = 'us-east-1:123456789012') =>
  `arn:aws:networkflowmonitor:${where}:${resource}`;
const tagsOf = (resourceArn: string) => `/tags/${encodeURIComponent(resourceArn)}`;

/** The operations that change resources, on a real database. */
let bench: ControlBench;
let api: AuthenticatedHandler;
let scopeId: string;
beforeEach(async () => {
  bench = await controlBench();
  const { deps } = memoryApi();
  api = createApi({ ...deps, scopes: bench.scopes(), monitors: bench.monitors() });
  const scope = await call('POST', '/scopes', { targets: [target('us-east-1')] });
  scopeId = String(scope.body.scopeId);
  await bench.setScopeStatus('SUCCEEDED');
  const localResources = [zone(1)];
  const { scopeArn } = scope.body;
  await call('POST', '/monitors', { monitorName: 'web', localResources, scopeArn });
});
afterEach(() => bench[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown) {
  const response = await api(rawRequest(method, path, body), admin);
  return {
    status: response.status,
    error: response.headers['x-amzn-ErrorType'],
    body: JSON.parse(String(response.body)) as Readonly<Record<string, unknown>>,
  };
}

describe('UpdateMonitor answers an error it does not declare as ValidationException', () => {
  test('a token used with other parameters', async () => {
    const clientToken = 'token-1';
    await call('PATCH', '/monitors/web', { localResourcesToAdd: [zone(2)], clientToken });
    const again = { localResourcesToAdd: [zone(3)], clientToken };
    expect(await call('PATCH', '/monitors/web', again)).toMatchObject({
      status: 400,
      error: 'ValidationException',
      body: { message: expect.stringContaining('clientToken') },
    });
  });

  test('more than 25 resources', async () => {
    const remoteResourcesToAdd = Array.from({ length: 26 }, (_, i) => zone(i));
    expect(await call('PATCH', '/monitors/web', { remoteResourcesToAdd })).toMatchObject({
      status: 400,
      error: 'ValidationException',
      body: { message: expect.stringContaining('at most 25') },
    });
  });

  test('a monitor that is being deleted', async () => {
    await call('DELETE', '/monitors/web');
    expect(await call('PATCH', '/monitors/web', {})).toMatchObject({
      status: 400,
      error: 'ValidationException',
    });
  });
});

test('UpdateScope returns each error it declares', async () => {
  const path = `/scopes/${scopeId}`;
  const foreign = {
    ...target('us-east-1'),
    targetIdentifier: { targetId: { accountId: '210987654321' }, targetType: 'ACCOUNT' },
  };
  const many = (count: number, name: string) =>
    Array.from({ length: count }, (_, i) => target(`${name}-${i}`));
  const errorOf = async (to: string, body: unknown) => (await call('PATCH', to, body)).error;
  expect(await errorOf(path, { resourcesToAdd: [foreign] })).toBe('AccessDeniedException');
  expect(await errorOf(path, { resourcesToAdd: many(100, 'a') })).toBe('ValidationException');
  expect(await errorOf('/scopes/none', { resourcesToAdd: many(1, 'a') })).toBe(
    'ResourceNotFoundException',
  );
  expect(await errorOf(path, { resourcesToAdd: many(99, 'a') })).toBeUndefined();
  expect(await errorOf(path, { resourcesToAdd: many(1, 'b') })).toBe('ConflictException');
  await bench.setScopeStatus('SUCCEEDED');
  expect(await errorOf(path, { resourcesToAdd: many(1, 'b') })).toBe(
    'ServiceQuotaExceededException',
  );
});

describe('tags', () => {
  test('contain those given at creation and later, for scopes and monitors', async () => {
    for (const resource of [arn(`scope/${scopeId}`), arn('monitor/web')]) {
      const path = tagsOf(resource);
      expect(await call('GET', path)).toMatchObject({ status: 200, body: { tags: {} } });
      const tags = { a: '1', 'b c&d': 'é', e: '' };
      expect(await call('POST', path, { tags })).toMatchObject({ status: 200, body: {} });
      expect((await call('GET', path)).body).toEqual({ tags });
      await call('DELETE', `${path}?tagKeys=b%20c%26d&tagKeys=e&tagKeys=never`);
      expect((await call('GET', path)).body).toEqual({ tags: { a: '1' } });
    }
    expect((await call('GET', `/scopes/${scopeId}`)).body.tags).toEqual({ a: '1' });
    expect((await call('GET', '/monitors/web')).body.tags).toEqual({ a: '1' });
  });

  const others = [
    { name: 'another service', resource: 'arn:aws:ec2:us-east-1:123456789012:vpc/vpc-03ea55ee' },
    { name: 'another partition', resource: arn('monitor/web').replace('aws', 'aws-cn') },
    { name: 'an empty resource name', resource: arn('monitor/') },
    { name: 'another kind of resource', resource: arn('query/web') },
    { name: 'an empty account', resource: arn('monitor/web', 'us-east-1:') },
    { name: 'another Region', resource: arn('monitor/web', 'eu-west-1:123456789012') },
    { name: 'a short ARN', resource: 'arn:aws:x' },
    { name: 'text that is not an ARN', resource: 'monitor/web-of-somebody-or-other' },
    {
      name: "another account's",
      resource: arn('monitor/web', 'us-east-1:210987654321'),
      error: 'AccessDeniedException',
    },
    {
      name: "another account's in another Region",
      resource: arn('monitor/web', 'eu-west-1:210987654321'),
      error: 'AccessDeniedException',
    },
    {
      name: 'an unknown monitor',
      resource: arn('monitor/none'),
      error: 'ResourceNotFoundException',
    },
    {
      name: 'an unknown scope',
      resource: arn('scope/none/none:none'),
      error: 'ResourceNotFoundException',
    },
    {
      name: "a monitor's name as a scope's id",
      resource: arn('scope/web'),
      error: 'ResourceNotFoundException',
    },
  ];
  test.each(others)(
    'of $name are rejected by all three operations',
    async ({ resource, error }) => {
      const path = tagsOf(resource);
      for (const answer of [
        await call('GET', path),
        await call('POST', path, { tags: { a: '1' } }),
        await call('DELETE', `${path}?tagKeys=a`),
      ]) {
        expect(answer.error).toBe(error ?? 'ValidationException');
      }
    },
  );

  test('a reserved key, an empty key, a 201st tag and a missing list are a ValidationException', async () => {
    const path = tagsOf(arn('monitor/web'));
    const many = Array.from({ length: 200 }, (_, i) => [`k${i}`, '']);
    await call('POST', path, { tags: Object.fromEntries(many) });
    for (const answer of [
      await call('POST', path, { tags: { 'aws:a': '1' } }),
      await call('POST', path, { tags: { more: '1' } }),
      await call('POST', path, {}),
      await call('DELETE', path),
      await call('DELETE', `${path}?tagKeys=`),
    ]) {
      expect(answer).toMatchObject({ status: 400, error: 'ValidationException' });
    }
    expect(Object.keys((await call('GET', path)).body.tags ?? {})).toHaveLength(200);
  });
});

test('any request of these operations succeeds or gets an error of the caller', async () => {
  const region = fc.constantFrom('us-east-1', 'us-east-2', 'eu-west-1', 'a:b', '');
  const targets = fc.array(region.map(target), { maxLength: 3 });
  const resource = fc.oneof(
    fc.integer({ min: 1, max: 4 }).map(zone),
    fc.constant({ type: 'AWS::Region', identifier: 'us-east-1' }),
    fc.constant({ type: 'AWS::EC2::VPC', identifier: 'vpc-' }),
  );
  const resources = fc.array(resource, { maxLength: 3 });
  const text = fc.string({ unit: 'binary', maxLength: 5 });
  const tagPath = fc
    .constantFrom(arn('monitor/web'), arn(`scope/${scopeId}`), arn('monitor/none'), arn('x'))
    .map(tagsOf);
  const keys = fc.array(fc.oneof(fc.constantFrom('a', 'aws:a', '__proto__'), text));
  const optional = { requiredKeys: [] };
  const request = fc.oneof(
    fc.tuple(
      fc.constant('PATCH'),
      fc.constant(`/scopes/${scopeId}`),
      fc.record({ resourcesToAdd: targets, resourcesToDelete: targets }, optional),
    ),
    fc.tuple(
      fc.constant('PATCH'),
      fc.constantFrom('/monitors/web', '/monitors/none'),
      fc.record(
        {
          localResourcesToAdd: resources,
          localResourcesToRemove: resources,
          remoteResourcesToAdd: resources,
          remoteResourcesToRemove: resources,
          clientToken: fc.oneof(fc.constantFrom('t1', 't2'), text),
        },
        optional,
      ),
    ),
    fc.tuple(
      fc.constant('POST'),
      tagPath,
      fc.record({ tags: fc.dictionary(fc.oneof(fc.constant('a'), text), text) }, optional),
    ),
    fc.tuple(
      fc.constant('DELETE'),
      fc.tuple(tagPath, keys).map(([path, names]) => {
        const query = names.map((name) => `tagKeys=${encodeURIComponent(name)}`);
        return `${path}?${query.join('&')}`;
      }),
      fc.constant(undefined),
    ),
    fc.tuple(fc.constant('GET'), tagPath, fc.constant(undefined)),
  );
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(request, async ([method, path, body]) => {
      const { status, error } = await call(method, path, body);
      expect([200, 400, 404, 409]).toContain(status);
      outcomes.add(`${method} ${error ?? 'success'}`);
      await bench.setScopeStatus('SUCCEEDED');
    }),
    { numRuns: 600 },
  );
  for (const method of ['PATCH', 'POST', 'DELETE', 'GET']) {
    expect(outcomes).toContain(`${method} success`);
    expect(outcomes).toContain(`${method} ValidationException`);
    expect(outcomes).toContain(`${method} ResourceNotFoundException`);
  }
});
