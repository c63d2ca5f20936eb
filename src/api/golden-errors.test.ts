import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Scopes } from '../control/scopes.ts';
import { type ControlBench, controlBench, owner } from '../control/testing.ts';
import { type Database, openDatabase } from '../lib/database.ts';
import { silentLog } from '../lib/log.ts';
import { Metrics } from '../lib/metrics.ts';
import type { RawRequest } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import { Queries } from '../query/queries.ts';
import { QueryTable } from '../query/query-table.ts';
import { NO_PATHS, QueuedStore } from '../query/testing.ts';
import type { AuthenticatedHandler } from './api-deps.ts';
import { createApi } from './create-api.ts';
import { admin, httpText, memoryApi, rawRequest } from './testing.ts';

const folder = join(import.meta.dirname, '../../test/golden/api');

/** A request, the error it gets, and the preparation. */
interface Case {
  readonly error: string;
  readonly request: RawRequest;
  readonly principal?: Principal;
  readonly prepare?: () => Promise<unknown>;
}

const agent: Principal = { ...admin, accessKeyId: 'AKIDAGENT', kind: 'agent' };
const scopeId = '97626f8d-8a21-4b5d-813a-000000000001';
const arnOf = (resource: string, account = owner.account) =>
  `arn:aws:networkflowmonitor:us-east-1:${account}:${resource}`;
const tagsOf = (arn: string) => `/tags/${encodeURIComponent(arn)}`;
const target = (region: string, accountId = owner.account) => ({
  targetIdentifier: { targetId: { accountId }, targetType: 'ACCOUNT' },
  region,
});
const zone = { type: 'AWS::AvailabilityZone', identifier: 'use1-az1' };
const monitor = { localResources: [zone], scopeArn: arnOf(`scope/${scopeId}`) };
const question = {
  startTime: '2025-11-01T12:00:00Z',
  endTime: '2025-11-01T12:15:00Z',
  metricName: 'DATA_TRANSFERRED',
  destinationCategory: 'INTER_AZ',
};

/** A SUCCEEDED scope, its monitor `web`, used-up quotas, and no query. */
let bench: ControlBench;
let queryFolder: string;
let queryDatabase: Database;
let queries: Queries;
let api: AuthenticatedHandler;

beforeEach(async () => {
  bench = await controlBench();
  queryFolder = mkdtempSync(join(tmpdir(), 'nfm-golden-'));
  queryDatabase = await openDatabase({ url: `sqlite:${join(queryFolder, 'queries.db')}` });
  const scopes = bench.scopes({ maxTargets: 1 });
  const quotas = { maxMonitors: 1, maxLocalResources: 25, maxRemoteResources: 25 };
  const monitors = bench.monitors({ quotas });
  queries = await startQueries(scopes);
  api = createApi({
    ...memoryApi().deps,
    scopes,
    monitors,
    queries,
  });
  await succeed('POST', '/scopes', { targets: [target('us-east-1')] });
  await bench.setScopeStatus('SUCCEEDED');
  await succeed('POST', '/monitors', { ...monitor, monitorName: 'web' });
});
afterEach(async () => {
  await queries.stop();
  await queryDatabase.destroy();
  await bench[Symbol.asyncDispose]();
  rmSync(queryFolder, { recursive: true });
});

async function startQueries(scopes: Pick<Scopes, 'get'>): Promise<Queries> {
  const started = new Queries({
    table: new QueryTable(queryDatabase),
    // Never answers, so a started query keeps running.
    store: new QueuedStore(),
    scopeOf: (by, id) => scopes.get(by, id),
    monitorOf: (by, name) => bench.monitors().get(by, name),
    paths: () => NO_PATHS,
    newQueryId: () => 'aecd3a88-8a21-4b5d-813a-000000000001',
    clock: bench.clock,
    log: silentLog,
    metrics: new Metrics(),
    options: { concurrency: 1, maxUnfinished: 1 },
  });
  await started.start();
  return started;
}

async function succeed(method: string, path: string, body?: unknown): Promise<void> {
  const response = await api(rawRequest(method, path, body), admin);
  if (response.status !== 200) throw new Error(`${method} ${path}: ${response.body}`);
}

const loseDatabases = async () => {
  await bench.database.destroy();
  await queryDatabase.destroy();
};
const deleteMonitor = () => succeed('DELETE', '/monitors/web');

/** Errors of every operation: with an agent's key, and without a database. */
function everywhere(request: RawRequest): Case[] {
  return [
    { error: 'AccessDeniedException', request, principal: agent },
    { error: 'InternalServerException', request, prepare: loseDatabases },
  ];
}

function queryCases(kind: string, path: string): Record<string, readonly Case[]> {
  const start = rawRequest('POST', path, question);
  const backwards = { ...question, endTime: question.startTime };
  const [status, results, stop] = [
    rawRequest('GET', `${path}/none/status`),
    rawRequest('GET', `${path}/none/results`),
    rawRequest('DELETE', `${path}/none`),
  ];
  const beyond = rawRequest('GET', `${path}/none/results?maxResults=501`);
  return {
    [`StartQuery${kind}`]: [
      ...everywhere(start),
      { error: 'ValidationException', request: rawRequest('POST', path, backwards) },
      {
        error: 'ThrottlingException',
        request: start,
        prepare: () => succeed('POST', path, question),
      },
    ],
    [`GetQueryStatus${kind}`]: [
      ...everywhere(status),
      { error: 'ValidationException', request: status },
    ],
    [`GetQueryResults${kind}`]: [
      ...everywhere(results),
      { error: 'ResourceNotFoundException', request: results },
      { error: 'ValidationException', request: beyond },
    ],
    [`StopQuery${kind}`]: [...everywhere(stop), { error: 'ValidationException', request: stop }],
  };
}

function scopeCases(): Record<string, readonly Case[]> {
  const create = (...targets: unknown[]) => rawRequest('POST', '/scopes', { targets });
  const update = (change: object, id = scopeId) => rawRequest('PATCH', `/scopes/${id}`, change);
  const home = target('us-east-1');
  const union = { targetId: { accountId: owner.account, unit: 'x' }, targetType: 'ACCOUNT' };
  const more = update({ resourcesToAdd: [target('eu-west-1')] });
  const move = { resourcesToAdd: [target('eu-west-1')], resourcesToDelete: [home] };
  return {
    CreateScope: [
      { error: 'ConflictException', request: create(home) },
      { error: 'ServiceQuotaExceededException', request: create(home, target('eu-west-1')) },
      { error: 'AccessDeniedException', request: create(target('us-east-1', '210987654321')) },
      {
        error: 'ValidationException',
        request: create({ targetIdentifier: union, region: 'us-east-1' }),
      },
      ...everywhere(create(home)),
    ],
    GetScope: [
      ...everywhere(rawRequest('GET', `/scopes/${scopeId}`)),
      { error: 'ResourceNotFoundException', request: rawRequest('GET', '/scopes/none') },
      { error: 'ValidationException', request: rawRequest('GET', '/scopes/a%00') },
    ],
    ListScopes: [
      ...everywhere(rawRequest('GET', '/scopes')),
      { error: 'ValidationException', request: rawRequest('GET', '/scopes?nextToken=made-up') },
    ],
    UpdateScope: [
      { error: 'ServiceQuotaExceededException', request: more },
      { error: 'ResourceNotFoundException', request: update(move, 'none') },
      {
        error: 'ConflictException',
        request: more,
        prepare: () => succeed('PATCH', `/scopes/${scopeId}`, move),
      },
      {
        error: 'AccessDeniedException',
        request: update({ resourcesToAdd: [target('us-east-1', '210987654321')] }),
      },
      { error: 'ValidationException', request: update({ resourcesToDelete: [home] }) },
      ...everywhere(update(move)),
    ],
    DeleteScope: [
      ...everywhere(rawRequest('DELETE', `/scopes/${scopeId}`)),
      { error: 'ConflictException', request: rawRequest('DELETE', `/scopes/${scopeId}`) },
      { error: 'ResourceNotFoundException', request: rawRequest('DELETE', '/scopes/none') },
      { error: 'ValidationException', request: rawRequest('DELETE', '/scopes/a%00') },
    ],
  };
}

function monitorCases(): Record<string, readonly Case[]> {
  const create = (monitorName: string, over = {}) =>
    rawRequest('POST', '/monitors', { ...monitor, monitorName, ...over });
  const update = (name: string) =>
    rawRequest('PATCH', `/monitors/${name}`, { localResourcesToRemove: [zone] });
  return {
    CreateMonitor: [
      ...everywhere(create('b')),
      { error: 'ConflictException', request: create('web') },
      { error: 'ServiceQuotaExceededException', request: create('b') },
      { error: 'ValidationException', request: create('b', { scopeArn: arnOf('scope/none') }) },
    ],
    GetMonitor: [
      ...everywhere(rawRequest('GET', '/monitors/web')),
      { error: 'ResourceNotFoundException', request: rawRequest('GET', '/monitors/none') },
      { error: 'ValidationException', request: rawRequest('GET', '/monitors/a%2Fb') },
    ],
    ListMonitors: [
      ...everywhere(rawRequest('GET', '/monitors')),
      { error: 'ValidationException', request: rawRequest('GET', '/monitors?maxResults=26') },
    ],
    UpdateMonitor: [
      ...everywhere(update('web')),
      { error: 'ResourceNotFoundException', request: update('none') },
      { error: 'ValidationException', request: update('web') },
    ],
    DeleteMonitor: [
      ...everywhere(rawRequest('DELETE', '/monitors/web')),
      { error: 'ResourceNotFoundException', request: rawRequest('DELETE', '/monitors/none') },
      { error: 'ValidationException', request: rawRequest('DELETE', '/monitors/a%20b') },
    ],
  };
}

function tagCases(): Record<string, readonly Case[]> {
  const web = tagsOf(arnOf('monitor/web'));
  const none = tagsOf(arnOf('monitor/none'));
  const foreign = tagsOf(arnOf('monitor/web', '210987654321'));
  const deleting = { error: 'ConflictException', prepare: deleteMonitor };
  const tag = (path: string, tags: object) => rawRequest('POST', path, { tags });
  return {
    TagResource: [
      { error: 'AccessDeniedException', request: tag(foreign, { a: '1' }) },
      { error: 'ResourceNotFoundException', request: tag(none, { a: '1' }) },
      { error: 'ValidationException', request: tag(web, { 'aws:a': '1' }) },
      { ...deleting, request: tag(web, { a: '1' }) },
      ...everywhere(tag(web, { a: '1' })),
    ],
    UntagResource: [
      { error: 'AccessDeniedException', request: rawRequest('DELETE', `${foreign}?tagKeys=a`) },
      { error: 'ResourceNotFoundException', request: rawRequest('DELETE', `${none}?tagKeys=a`) },
      { error: 'ValidationException', request: rawRequest('DELETE', web) },
      { ...deleting, request: rawRequest('DELETE', `${web}?tagKeys=a`) },
      ...everywhere(rawRequest('DELETE', `${web}?tagKeys=a`)),
    ],
    ListTagsForResource: [
      { error: 'AccessDeniedException', request: rawRequest('GET', foreign) },
      { error: 'ResourceNotFoundException', request: rawRequest('GET', none) },
      { error: 'ValidationException', request: rawRequest('GET', tagsOf('arn:aws:s3:::bucket-x')) },
      ...everywhere(rawRequest('GET', web)),
    ],
  };
}

const cases: Record<string, readonly Case[]> = {
  ...scopeCases(),
  ...monitorCases(),
  ...tagCases(),
  ...queryCases('MonitorTopContributors', '/monitors/web/topContributorsQueries'),
  ...queryCases(
    'WorkloadInsightsTopContributors',
    `/workloadInsights/${scopeId}/topContributorsQueries`,
  ),
  ...queryCases(
    'WorkloadInsightsTopContributorsData',
    `/workloadInsights/${scopeId}/topContributorsDataQueries`,
  ),
};
const flat = Object.entries(cases).flatMap(([operation, list]) =>
  list.map((one, i) => {
    const before = list.slice(0, i).filter(({ error }) => error === one.error).length;
    return {
      ...one,
      operation,
      which: before + 1,
      name: `${operation} ${one.error} ${before + 1}`,
    };
  }),
);

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}

function fileOf({ operation, error, which }: (typeof flat)[number]): string {
  const number = which === 1 ? '' : `-${which}`;
  return `${kebab(operation)}.${kebab(error.replace('Exception', ''))}${number}.http`;
}

test.each(flat)('$name is byte for byte the golden exchange', async (one) => {
  const { request, principal = admin, prepare, error } = one;
  await prepare?.();
  const exchange = httpText(request, await api(request, principal));
  expect(exchange).toContain(`x-amzn-ErrorType: ${error}\n`);
  await expect(exchange).toMatchFileSnapshot(join(folder, 'errors', fileOf(one)));
});

test('every golden exchange belongs to a case', () => {
  expect(readdirSync(join(folder, 'errors')).toSorted()).toEqual(flat.map(fileOf).toSorted());
});
