import type { Log } from '../lib/log.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import type { RawRequest, RawResponse } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import type { MonitorHandlerDeps } from './handlers/monitor-handlers.ts';
import type { QueryHandlerDeps } from './handlers/query-handlers.ts';
import type { ScopeHandlerDeps } from './handlers/scope-handlers.ts';
import type { TagHandlerDeps } from './handlers/tag-handlers.ts';
import type { Throttle } from './throttle.ts';
import type { ExtensionRoute } from './v1/extension-route.ts';

export type AuthenticatedHandler = (
  request: RawRequest,
  principal: Principal,
) => Promise<RawResponse>;

/** Each handler file declares what it needs of scopes, monitors and queries. */
export interface ApiDeps extends QueryHandlerDeps {
  readonly scopes: ScopeHandlerDeps['scopes'] & TagHandlerDeps['scopes'];
  readonly monitors: MonitorHandlerDeps['monitors'] & TagHandlerDeps['monitors'];
  readonly extensionRoutes: readonly ExtensionRoute[];
  /** Returns a new UUID, for a request or its audit event. */
  readonly newRequestId: () => string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Undefined if the number of calls is not limited. */
  readonly throttle?: Throttle | undefined;
  /** Receives the audit event of every call that names an operation, whether it succeeds or not. */
  readonly record?: ((event: AuditEvent, atMillis: number) => void) | undefined;
}
