import type { Log } from '../lib/log.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import type { RawRequest, RawResponse } from '../model/http.ts';
import type {
  Monitor,
  MonitorLocalResource,
  MonitorRemoteResource,
  MonitorStatus,
} from '../model/monitor.ts';
import type { Owner, Principal } from '../model/owner.ts';
import type { QueryPage, QueryRef, QueryRequest, QueryStatus } from '../model/query.ts';
import type { Scope, ScopeTarget } from '../model/scope.ts';
import type { Throttle } from './throttle.ts';
import type { ExtensionRoute } from './v1/extension-route.ts';

/** What a page of a list begins after, and how long it may be. */
export interface PageRequest {
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Present when there is more. */
  readonly next?: string | undefined;
}

export interface CreateScopeRequest {
  readonly targets: readonly ScopeTarget[];
  readonly clientToken?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface TargetChange {
  readonly add: readonly ScopeTarget[];
  readonly remove: readonly ScopeTarget[];
}

export type TagChange =
  | { readonly add: Readonly<Record<string, string>> }
  | { readonly removeKeys: readonly string[] };

export interface ScopeService {
  create(owner: Owner, request: CreateScopeRequest): Promise<Scope>;
  get(owner: Owner, scopeId: string): Promise<Scope>;
  list(owner: Owner, page: PageRequest): Promise<Page<Scope>>;
  update(owner: Owner, scopeId: string, change: TargetChange): Promise<Scope>;
  changeTags(owner: Owner, scopeId: string, change: TagChange): Promise<void>;
  delete(owner: Owner, scopeId: string): Promise<void>;
}

export interface CreateMonitorRequest {
  readonly monitorName: string;
  readonly localResources: readonly MonitorLocalResource[];
  /** Empty means every destination. */
  readonly remoteResources: readonly MonitorRemoteResource[];
  readonly scopeArn: string;
  readonly clientToken?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface UpdateMonitorRequest {
  readonly addLocal: readonly MonitorLocalResource[];
  readonly removeLocal: readonly MonitorLocalResource[];
  readonly addRemote: readonly MonitorRemoteResource[];
  readonly removeRemote: readonly MonitorRemoteResource[];
  readonly clientToken?: string | undefined;
}

export interface MonitorPageRequest extends PageRequest {
  readonly status?: MonitorStatus | undefined;
}

export interface MonitorService {
  create(owner: Owner, request: CreateMonitorRequest): Promise<Monitor>;
  get(owner: Owner, monitorName: string): Promise<Monitor>;
  list(owner: Owner, page: MonitorPageRequest): Promise<Page<Monitor>>;
  update(owner: Owner, monitorName: string, request: UpdateMonitorRequest): Promise<Monitor>;
  changeTags(owner: Owner, monitorName: string, change: TagChange): Promise<void>;
  delete(owner: Owner, monitorName: string): Promise<void>;
}

export interface ResultPageRequest {
  readonly offset: number;
  readonly limit: number;
}

export interface QueryService {
  /** The id of the query now queued. */
  start(owner: Owner, request: QueryRequest): Promise<string>;
  status(owner: Owner, query: QueryRef): Promise<QueryStatus>;
  results(owner: Owner, query: QueryRef, page: ResultPageRequest): Promise<QueryPage>;
  stop(owner: Owner, query: QueryRef): Promise<void>;
}

export type AuthenticatedHandler = (
  request: RawRequest,
  principal: Principal,
) => Promise<RawResponse>;

export interface ApiDeps {
  readonly scopes: ScopeService;
  readonly monitors: MonitorService;
  readonly queries: QueryService;
  /** The API beyond AWS's, below `/api/v1/`. */
  readonly own: readonly ExtensionRoute[];
  /** The secret that signs nextTokens, 32 bytes; the same on every server of one installation. */
  readonly tokenKey: Uint8Array;
  /** New UUIDs, for requests and for what is recorded of them. */
  readonly newRequestId: () => string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Absent when accounts may call as often as they like. */
  readonly throttle?: Throttle | undefined;
  /** Told of every call of an operation that was found, done or not. */
  readonly record?: ((event: AuditEvent, atMillis: number) => void) | undefined;
  /** The longest `endTime` - `startTime` of a query; AWS has 3600. Unlimited when absent. */
  readonly maxQueryRangeSeconds?: number | undefined;
}
