import { authorize } from '../auth/authorize.ts';
import type { OperationName } from '../contract/operations.ts';
import { createRouter } from '../contract/router.ts';
import { ApiError } from '../model/api-error.ts';
import type { RawRequest, RawResponse } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import { splitTarget } from '../wire/rest-json/target.ts';
import { type AnsweredCall, auditEvent, isReadOnly } from './audit-event.ts';
import type { ApiDeps, AuthenticatedHandler } from './deps.ts';
import { errorResponse } from './error-response.ts';
import { extensionCall } from './extension-call.ts';
import type { FoundCall, ReadyCall } from './found-call.ts';
import type { Handlers } from './handlers/handler.ts';
import { monitorHandlers } from './handlers/monitor-handlers.ts';
import { queryHandlers } from './handlers/query-handlers.ts';
import { scopeHandlers } from './handlers/scope-handlers.ts';
import { tagHandlers } from './handlers/tag-handlers.ts';
import { NextTokens } from './next-token.ts';
import { operationCall } from './operation-call.ts';
import type { CallClass } from './throttle.ts';
import { matchExtensionRoute } from './v1/extension-route.ts';

/**
 * The API behind authentication: finds the operation by method and raw target, checks the input
 * against the contract and the caller's policy, calls its handler and answers in AWS's form. It
 * never throws; what goes wrong on our side is answered InternalServerException and logged with the
 * request id.
 */
export function createApi(deps: ApiDeps): AuthenticatedHandler {
  const api = new Api(deps);
  return (request, principal) => api.answer(request, principal);
}

class Api {
  readonly #deps: ApiDeps;
  readonly #handlers: Handlers<OperationName>;
  readonly #route = createRouter();

  constructor(deps: ApiDeps) {
    const parts = { ...deps, tokens: new NextTokens(deps.tokenKey) };
    this.#deps = deps;
    this.#handlers = {
      ...scopeHandlers(parts),
      ...monitorHandlers(parts),
      ...queryHandlers(parts),
      ...tagHandlers(parts),
    };
  }

  async answer(request: RawRequest, principal: Principal): Promise<RawResponse> {
    const requestId = this.#deps.newRequestId();
    try {
      const found = this.#find(request, principal);
      const { headers, ...response } = await this.#do(found, { request, principal, requestId });
      return { ...response, headers: { ...headers, 'x-amzn-RequestId': requestId } };
    } catch (error) {
      if (!(error instanceof ApiError)) {
        this.#deps.log.error('cannot answer a request', { requestId, error });
      }
      return errorResponse(error, requestId);
    }
  }

  async #do(found: FoundCall, call: Call): Promise<RawResponse> {
    let ready: ReadyCall | undefined;
    try {
      this.#deps.throttle?.take(call.principal.account, classOf(found));
      ready = found.read();
      for (const intent of ready.intents) authorize(call.principal, intent);
      const response = await ready.run();
      this.#record({ ...call, found, ready });
      return response;
    } catch (error) {
      this.#record({ ...call, found, ready, error });
      throw error;
    }
  }

  #record(call: Omit<AnsweredCall, 'eventId' | 'atMillis'>): void {
    const { record, now } = this.#deps;
    if (record === undefined) return;
    const atMillis = now();
    record(auditEvent({ ...call, atMillis, eventId: this.#deps.newRequestId() }), atMillis);
  }

  #find(request: RawRequest, principal: Principal): FoundCall {
    const target = splitTarget(request.target);
    const own = matchExtensionRoute(this.#deps.own, request.method, target.path);
    if (own !== undefined) return extensionCall(own, request, principal);
    const match = this.#route(request.method, target.path);
    if (match === undefined) {
      throw new ApiError('UnknownOperationException', 'no operation has this method and path');
    }
    return operationCall(match.operation, {
      request,
      target,
      labels: match.labels,
      principal,
      handlers: this.#handlers,
    });
  }
}

interface Call {
  readonly request: RawRequest;
  readonly principal: Principal;
  readonly requestId: string;
}

function classOf(found: FoundCall): CallClass {
  if (found.isQuery) return 'query';
  return isReadOnly(found) ? 'read' : 'write';
}
