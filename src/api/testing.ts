import type { Page, PageRequest } from '../control/page.ts';
import type { TagChange } from '../control/tags.ts';
import { silentLog } from '../lib/log.ts';
import { ApiError } from '../model/api-error.ts';
import { monitorArn, scopeArn } from '../model/arn.ts';
import { groupHeaders, type RawRequest, type RawResponse } from '../model/http.ts';
import type { Monitor } from '../model/monitor.ts';
import type { Owner, Principal } from '../model/owner.ts';
import type { QueryPage, QueryRef, QueryRequest } from '../model/query.ts';
import type { Scope } from '../model/scope.ts';
import type { ApiDeps } from './api-deps.ts';
import { NextTokens } from './next-tokens.ts';
import { type ExtensionRoute, extensionMatcher } from './v1/extension-route.ts';

/** 2025-11-01T12:00:00.616Z. */
const CREATED_AT_MILLIS = 1_761_998_400_616;

export const admin: Principal = {
  account: '123456789012',
  region: 'us-east-1',
  accessKeyId: 'AKIDADMIN',
  kind: 'admin',
};

/** Scopes, monitors and queries in memory, separate for each owner. */
export interface MemoryApi {
  readonly deps: ApiDeps;
  readonly scopes: Map<string, Scope>;
  readonly monitors: Map<string, Monitor>;
  /** Started queries by id. */
  readonly queries: Map<string, QueryRequest>;
  /** All result rows of every query of a kind. */
  readonly answers: Map<QueryRequest['kind'], QueryPage>;
}

export function memoryApi(overrides: Partial<ApiDeps> = {}): MemoryApi {
  const scopes = new Map<string, Scope>();
  const monitors = new Map<string, Monitor>();
  const queries = new Map<string, QueryRequest>();
  const answers = new Map<QueryRequest['kind'], QueryPage>();
  let requests = 0;
  const deps: ApiDeps = {
    scopes: memoryScopes(scopes),
    monitors: memoryMonitors(monitors),
    queries: memoryQueries(queries, answers),
    extensionRoutes: [],
    tokens: new NextTokens(new Uint8Array(32).fill(7)),
    newRequestId: () => {
      requests += 1;
      return `00000000-0000-4000-8000-${String(requests).padStart(12, '0')}`;
    },
    log: silentLog,
    now: () => CREATED_AT_MILLIS,
    ...overrides,
  };
  return { deps, scopes, monitors, queries, answers };
}

function numberedId(prefix: string, count: number): string {
  return `${prefix}-8a21-4b5d-813a-${String(count).padStart(12, '0')}`;
}

function keyOf(owner: Owner, name: string): string {
  return `${owner.account}/${owner.region}/${name}`;
}

function found<Item>(items: Map<string, Item>, key: string): Item {
  const item = items.get(key);
  if (item === undefined) throw new ApiError('ResourceNotFoundException', `${key} does not exist`);
  return item;
}

function pageOf<Item>(items: readonly Item[], { limit, after }: PageRequest): Page<Item> {
  const from = Number(after ?? 0);
  const next = from + limit < items.length ? String(from + limit) : undefined;
  return { items: items.slice(from, from + limit), next };
}

function owned<Item>(items: Map<string, Item>, owner: Owner): Item[] {
  return [...items].flatMap(([key, item]) => (key.startsWith(keyOf(owner, '')) ? [item] : []));
}

function changed<Item>(
  present: readonly Item[],
  add: readonly Item[],
  remove: readonly Item[],
): Item[] {
  const gone = new Set(remove.map((item) => JSON.stringify(item)));
  return [...present.filter((item) => !gone.has(JSON.stringify(item))), ...add];
}

function changedTags(tags: Scope['tags'], change: TagChange): Scope['tags'] {
  if ('add' in change) return { ...tags, ...change.add };
  return Object.fromEntries(
    Object.entries(tags).filter(([key]) => !change.removeKeys.includes(key)),
  );
}

/** `create` returns an IN_PROGRESS scope; every later read finds it SUCCEEDED. */
function memoryScopes(scopes: Map<string, Scope>): ApiDeps['scopes'] {
  return {
    create: async (owner, request) => {
      if (owned(scopes, owner).length > 0) {
        throw new ApiError('ConflictException', 'this account and Region already has a scope');
      }
      const scopeId = numberedId('97626f8d', scopes.size + 1);
      const created = { scopeId, scopeArn: scopeArn(owner, scopeId), ...request };
      const scope: Scope = { ...created, status: 'IN_PROGRESS' };
      scopes.set(keyOf(owner, scopeId), { ...scope, status: 'SUCCEEDED' });
      return scope;
    },
    get: async (owner, scopeId) => found(scopes, keyOf(owner, scopeId)),
    list: async (owner, page) => pageOf(owned(scopes, owner), page),
    update: async (owner, scopeId, { add, remove }) => {
      const key = keyOf(owner, scopeId);
      const scope = found(scopes, key);
      const targets = changed(scope.targets, add, remove);
      scopes.set(key, { ...scope, targets });
      return { ...scope, targets, status: 'IN_PROGRESS' };
    },
    changeTags: async (owner, scopeId, change) => {
      const scope = found(scopes, keyOf(owner, scopeId));
      scopes.set(keyOf(owner, scopeId), { ...scope, tags: changedTags(scope.tags, change) });
    },
    delete: async (owner, scopeId) => {
      found(scopes, keyOf(owner, scopeId));
      scopes.delete(keyOf(owner, scopeId));
    },
  };
}

function memoryMonitors(monitors: Map<string, Monitor>): ApiDeps['monitors'] {
  return {
    create: async (owner, { clientToken: _, ...request }) => {
      const key = keyOf(owner, request.monitorName);
      if (monitors.has(key)) throw new ApiError('ConflictException', 'this monitor already exists');
      const monitor: Monitor = {
        ...request,
        monitorArn: monitorArn(owner, request.monitorName),
        status: 'ACTIVE',
        createdAtMillis: CREATED_AT_MILLIS,
        modifiedAtMillis: CREATED_AT_MILLIS,
      };
      monitors.set(key, monitor);
      return monitor;
    },
    get: async (owner, monitorName) => found(monitors, keyOf(owner, monitorName)),
    list: async (owner, page) => {
      const all = owned(monitors, owner);
      return pageOf(page.status ? all.filter((one) => one.status === page.status) : all, page);
    },
    update: async (owner, monitorName, change) => {
      const key = keyOf(owner, monitorName);
      const present = found(monitors, key);
      const monitor: Monitor = {
        ...present,
        localResources: changed(present.localResources, change.addLocal, change.removeLocal),
        remoteResources: changed(present.remoteResources, change.addRemote, change.removeRemote),
        modifiedAtMillis: present.modifiedAtMillis + 60_000,
      };
      monitors.set(key, monitor);
      return monitor;
    },
    changeTags: async (owner, monitorName, change) => {
      const monitor = found(monitors, keyOf(owner, monitorName));
      const tags = changedTags(monitor.tags, change);
      monitors.set(keyOf(owner, monitorName), { ...monitor, tags });
    },
    delete: async (owner, monitorName) => {
      found(monitors, keyOf(owner, monitorName));
      monitors.delete(keyOf(owner, monitorName));
    },
  };
}

function memoryQueries(
  queries: Map<string, QueryRequest>,
  answers: Map<QueryRequest['kind'], QueryPage>,
): ApiDeps['queries'] {
  const query = ({ queryId }: QueryRef) => found(queries, queryId);
  return {
    startQuery: async (_, request) => {
      const queryId = numberedId('aecd3a88', queries.size + 1);
      queries.set(queryId, request);
      return queryId;
    },
    status: async (_, ref) => {
      query(ref);
      return 'SUCCEEDED';
    },
    results: async (_, ref, { offset, limit }) => {
      const { kind } = query(ref);
      const answer = answers.get(kind) ?? emptyPage(kind);
      const rows = answer.rows.slice(offset, offset + limit);
      const next = offset + limit < answer.rows.length ? offset + limit : undefined;
      return { ...answer, rows, next } as QueryPage;
    },
    stopQuery: async (_, ref) => {
      query(ref);
    },
  };
}

function emptyPage(kind: QueryRequest['kind']): QueryPage {
  return kind === 'WorkloadInsightsTopContributors'
    ? { kind, rows: [] }
    : { kind, unit: 'Bytes', rows: [] };
}

/** A request in the form in which the HTTP server passes it on. */
export function rawRequest(method: string, target: string, body?: unknown): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    method,
    target,
    headers: groupHeaders(text === undefined ? [] : ['Content-Type', 'application/json']),
    body: new TextEncoder().encode(text ?? ''),
    remoteAddress: '127.0.0.1',
  };
}

/** Calls the extension route that matches a request, without authorization. */
export async function callExtension(
  routes: readonly ExtensionRoute[],
  request: RawRequest,
  principal: Principal = admin,
): Promise<{ readonly status: number; readonly text: string }> {
  const match = extensionMatcher(routes)(request.method, request.target.split('?')[0] ?? '');
  if (match === undefined) throw new Error(`no route of ${request.method} ${request.target}`);
  const { status, body } = await match.route.answer({ request, principal, labels: match.labels });
  return { status, text: String(body) };
}

/** The JSON body of a response. */
export function bodyOf(response: RawResponse): Record<string, unknown> {
  return JSON.parse(String(response.body)) as Record<string, unknown>;
}

/** Status, error name and message of a response. */
export function outcomeOf(response: RawResponse) {
  return {
    status: response.status,
    error: response.headers['x-amzn-ErrorType'],
    message: bodyOf(response).message,
  };
}

/** A request and its response in the format of the golden files, response headers sorted. */
export function httpText(request: RawRequest, response: RawResponse): string {
  const sent = [...request.headers].map(([name, values]) => `${name}: ${values.join(',')}`);
  const answered = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}`);
  return [
    `${request.method} ${request.target} HTTP/1.1`,
    ...sent,
    '',
    new TextDecoder().decode(request.body),
    '',
    `HTTP/1.1 ${response.status}`,
    ...answered.sort(),
    '',
    `${response.body}`,
    '',
  ].join('\n');
}
