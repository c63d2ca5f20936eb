import { expect, test } from 'vitest';
import { inProcessTransport, serve } from '../../test/in-process-api.ts';
import { createApi } from '../api/create-api.ts';
import { admin, memoryApi } from '../api/testing.ts';
import { FakeClock } from '../lib/clock.ts';
import type { QueryStatus } from '../model/query.ts';
import { collect } from './collect.ts';
import { NetworkFlowMonitor } from './network-flow-monitor.ts';
import { NetworkFlowMonitorClient } from './network-flow-monitor-client.ts';
import { queryMonitor, queryWorkloadInsights } from './run-query.ts';
import { ConnectionError, isServiceError } from './service-error.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';
import { waitUntilQueryDone, waitUntilScopeSucceeded } from './waiters.ts';

const scope = {
  targets: [
    {
      targetIdentifier: { targetId: { accountId: '123456789012' }, targetType: 'ACCOUNT' },
      region: 'us-east-1',
    },
  ],
} as const;

function memoryClient() {
  const memory = memoryApi();
  return {
    memory,
    client: new NetworkFlowMonitorClient({ transport: inProcessTransport(memory) }),
  };
}

/** A transport that returns the given responses in order and records the requests. */
function scripted(answers: readonly (Partial<TransportResponse> | Error)[]) {
  const sent: TransportRequest[] = [];
  const transport: Transport = {
    async send(request) {
      sent.push(request);
      const answer = answers[sent.length - 1];
      if (answer instanceof Error) throw answer;
      return { status: 200, headers: {}, body: '{"scopes":[]}', ...answer };
    },
  };
  const waits: number[] = [];
  const client = new NetworkFlowMonitorClient({
    transport,
    random: () => 0.5,
    newToken: () => 'token-1',
    sleep: async (millis) => void waits.push(millis),
  });
  return { client, sent, waits };
}

test('creates, awaits, lists and deletes a scope with the member names of the API', async () => {
  const { client } = memoryClient();
  const created = await client.createScope({ ...scope, tags: { a: 'b' } });
  expect(created).toMatchObject({ status: 'IN_PROGRESS', tags: { a: 'b' } });
  const waiter = { client, maxWaitSeconds: 1 };
  const ready = await waitUntilScopeSucceeded(waiter, created);
  expect(ready.targets).toEqual(scope.targets);
  expect((await client.listScopes()).scopes).toHaveLength(1);
  await client.deleteScope({ scopeId: created.scopeId });
  expect((await client.listScopes()).scopes).toEqual([]);
});

test('updates and tags scopes and monitors, with any characters in ARNs and keys', async () => {
  const { client } = memoryClient();
  const { scopeId, scopeArn } = await client.createScope(scope);
  const resourcesToAdd = [{ ...scope.targets[0], region: 'eu-west-1' }];
  const updated = await client.updateScope({ scopeId, resourcesToAdd });
  expect(updated.status).toBe('IN_PROGRESS');
  const zone = { type: 'AWS::AvailabilityZone', identifier: 'use1-az1' } as const;
  const made = await client.createMonitor({
    monitorName: 'm',
    localResources: [zone],
    scopeArn,
  });
  const changed = await client.updateMonitor({ monitorName: 'm', remoteResourcesToAdd: [zone] });
  expect(changed.remoteResources).toEqual([zone]);
  for (const resourceArn of [scopeArn, made.monitorArn]) {
    await client.tagResource({ resourceArn, tags: { 'a/b c': 'ü', 'x&y=z': '', k: 'v' } });
    await client.untagResource({ resourceArn, tagKeys: ['x&y=z', 'k'] });
    expect(await client.listTagsForResource({ resourceArn })).toEqual({ tags: { 'a/b c': 'ü' } });
  }
});

test('an exception of the service becomes an error with its name', async () => {
  const { client } = memoryClient();
  const error: unknown = await client.getScope({ scopeId: 'none' }).catch((thrown) => thrown);
  expect(isServiceError(error, 'ResourceNotFoundException')).toBe(true);
  expect(isServiceError(error, 'ConflictException')).toBe(false);
  expect(error).toMatchObject({ status: 404, requestId: expect.stringMatching(/^0{8}-/) });
});

test('reads all pages and converts times to dates', async () => {
  const { client } = memoryClient();
  const { scopeArn } = await client.createScope(scope);
  for (const monitorName of ['a', 'b', 'c']) {
    const localResources = [
      { type: 'AWS::EC2::VPC', identifier: 'vpc-03ea55eeda25adbb0' },
    ] as const;
    const made = await client.createMonitor({ monitorName, localResources, scopeArn });
    expect(made.createdAt).toEqual(new Date(1_761_998_400_616));
  }
  const pages = await collect(client.pages('ListMonitors', { maxResults: 2 }));
  expect(pages.map((page) => page.monitors.length)).toEqual([2, 1]);
  const items = await collect(client.items('ListMonitors', { maxResults: 2 }));
  expect(items.map((item) => item.monitorName)).toEqual(['a', 'b', 'c']);
});

test('starts, awaits and reads a query with exact 64-bit values', async () => {
  const { memory, client } = memoryClient();
  const value = 2n ** 63n - 1n;
  memory.answers.set('MonitorTopContributors', {
    kind: 'MonitorTopContributors',
    unit: 'Bytes',
    rows: [{ localIp: '10.0.0.1', value }],
  });
  const question = {
    startTime: new Date('2025-11-01T12:00:00Z'),
    endTime: new Date('2025-11-01T12:05:00Z'),
    metricName: 'DATA_TRANSFERRED',
    destinationCategory: 'INTRA_AZ',
  } as const;
  const waiter = { client, maxWaitSeconds: 1 };
  const rows = await queryMonitor(waiter, { ...question, monitorName: 'm', limit: 5 });
  expect(rows).toEqual([{ localIp: '10.0.0.1', value }]);
  expect([...memory.queries.values()][0]).toMatchObject({ resource: 'm', limit: 5 });
  expect(await queryWorkloadInsights(waiter, { ...question, scopeId: 's' })).toEqual([]);
});

test('generates a client token once for all attempts, and keeps a given one', async () => {
  const answer = { body: '{"scopeId":"s","status":"IN_PROGRESS","scopeArn":"a"}' };
  const { client, sent } = scripted([{ status: 500 }, answer, answer]);
  await client.createScope(scope);
  await client.createScope({ ...scope, clientToken: 'mine' });
  const tokens = sent.map(({ body }) => JSON.parse(body).clientToken);
  expect(tokens).toEqual(['token-1', 'token-1', 'mine']);
});

test('retries 429, 5xx and broken connections with backoff, but no other errors', async () => {
  const again = scripted([{ status: 429 }, new ConnectionError('cut'), {}]);
  await again.client.listScopes();
  expect(again.waits).toEqual([50, 100]);

  const asked = scripted([{ status: 429, headers: { 'retry-after': '2' } }, {}]);
  await asked.client.listScopes();
  expect(asked.waits).toEqual([2050]);

  const refused = scripted([
    { status: 400, headers: { 'x-amzn-errortype': 'ValidationException' } },
  ]);
  await expect(refused.client.listScopes()).rejects.toMatchObject({ name: 'ValidationException' });
  expect(refused.sent).toHaveLength(1);

  const hopeless = scripted([{ status: 503 }, { status: 503 }, { status: 503, body: '<html>' }]);
  await expect(hopeless.client.listScopes()).rejects.toThrow('status 503');
  expect(hopeless.sent).toHaveLength(3);
});

test('rejects an empty path member, which would name another resource', async () => {
  const { client, sent } = scripted([]);
  await expect(client.deleteMonitor({ monitorName: '' })).rejects.toThrow(RangeError);
  expect(sent).toEqual([]);
});

test('waiting for a query ends when it fails or at the deadline', async () => {
  const { memory } = memoryClient();
  const clock = new FakeClock(0);
  const wait = (answer: QueryStatus) => {
    const queries = { ...memory.deps.queries, status: async () => answer };
    const transport = inProcessTransport({ ...memory, deps: { ...memory.deps, queries } });
    const client = new NetworkFlowMonitorClient({ transport });
    const sleep = async (millis: number) => clock.advance(millis);
    const kind = 'WorkloadInsightsTopContributors';
    return waitUntilQueryDone(
      { client, maxWaitSeconds: 10, clock, sleep },
      { kind, resource: 's', queryId: 'q' },
    );
  };
  await expect(wait('FAILED')).rejects.toThrow('query q ended as FAILED');
  await expect(wait('RUNNING')).rejects.toThrow('not done within 10 s');
  await wait('SUCCEEDED');
});

test('the signed transport sends the target unchanged and signed for its host, and reads the answer', async () => {
  const memory = memoryApi();
  const api = createApi(memory.deps);
  const seen: string[] = [];
  const server = await serve(async (request) => {
    seen.push(request.target, request.headers.get('authorization')?.[0] ?? '');
    return api(request, admin);
  });
  const client = new NetworkFlowMonitor({
    endpoint: server.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
  });
  await expect(client.getMonitor({ monitorName: '..' })).rejects.toMatchObject({ status: 404 });
  await expect(client.getScope({ scopeId: 'a/b c' })).rejects.toMatchObject({ status: 404 });
  expect(seen[0]).toBe('/monitors/..');
  expect(seen[2]).toBe('/scopes/a%2Fb%20c');
  expect(seen[1]).toMatch(/Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/networkflowmonitor\//);
  await server.close();
});

test('an unreachable server is a ConnectionError that names it', async () => {
  const server = await serve(async () => ({ status: 200, headers: {}, body: '' }));
  await server.close();
  const client = new NetworkFlowMonitor({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  await expect(client.listScopes()).rejects.toThrow(
    `cannot reach ${server.endpoint}: connection refused`,
  );
});

test('an aborted call ends at once and is not retried', async () => {
  const stop = new AbortController();
  const server = await serve(() => {
    stop.abort(new Error('looked away'));
    return new Promise(() => {});
  });
  const client = new NetworkFlowMonitor({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  const call = client.listScopes({}, { signal: stop.signal });
  await expect(call).rejects.toThrow('looked away');
  await server.close();
});
