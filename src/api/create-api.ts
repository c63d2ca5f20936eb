import { authorize } from '../auth/authorize.ts';
import { operationMatcher } from '../contract/operation-matcher.ts';
import { ApiError } from '../model/api-error.ts';
import type { AuditEvent } from '../model/audit-event.ts';
import type { RawRequest, RawResponse } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import { splitTarget } from '../wire/rest-json/target.ts';
import type { ApiDeps, AuthenticatedHandler } from './api-deps.ts';
import { type AnsweredCall, auditEvent, auditParameters, isReadOnly } from './audit-event.ts';
import { errorResponse, isOurFault } from './error-response.ts';
import { extensionCall } from './extension-call.ts';
import type { FoundCall, ReadyCall } from './found-call.ts';
import type { Handlers } from './handlers/handlers.ts';
import { monitorHandlers } from './handlers/monitor-handlers.ts';
import { queryHandlers } from './handlers/query-handlers.ts';
import { scopeHandlers } from './handlers/scope-handlers.ts';
import { tagHandlers } from './handlers/tag-handlers.ts';
import { operationCall } from './operation-call.ts';
import type { CallClass } from './throttle.ts';
import { type ExtensionMatcher, extensionMatcher } from './v1/extension-route.ts';

/**
 * Answers authenticated requests. Finds the operation or extension route by method and raw path,
 * checks the input and the caller's policy, and calls the handler. Never rejects: an error that is
 * not an ApiError is logged with the request id and answered as InternalServerException.
 */
export function createApi(deps: ApiDeps): AuthenticatedHandler {
  const api = new Api(deps);
  return (request, principal) => api.answer(request, principal);
}

class Api {
  readonly #deps: ApiDeps;
  readonly #handlers: Handlers;
  readonly #findOperation = operationMatcher();
  readonly #findExtension: ExtensionMatcher;

  constructor(deps: ApiDeps) {
    this.#deps = deps;
    this.#findExtension = extensionMatcher(deps.extensionRoutes);
    this.#handlers = {
      ...scopeHandlers(deps),
      ...monitorHandlers(deps),
      ...queryHandlers(deps),
      ...tagHandlers(deps),
    };
  }

  async answer(request: RawRequest, principal: Principal): Promise<RawResponse> {
    const requestId = this.#deps.newRequestId();
    try {
      const found = this.#find(request, principal);
      const { headers, ...response } = await this.#do(found, { request, principal, requestId });
      return { ...response, headers: { ...headers, 'x-amzn-RequestId': requestId } };
    } catch (error) {
      if (isOurFault(error) && !request.signal?.aborted) {
        this.#deps.log.error('cannot answer a request', { requestId, error });
      }
      return errorResponse(error, requestId);
    }
  }

  async #do(found: FoundCall, call: Call): Promise<RawResponse> {
    let ready: ReadyCall | undefined;
    let parameters: AuditEvent['requestParameters'] | undefined;
    try {
      this.#deps.throttle?.take(call.principal.account, classOf(found));
      ready = found.read();
      for (const intent of ready.intents) authorize(call.principal, intent);
      parameters = auditParameters(ready);
      const response = await ready.run();
      this.#record({ ...call, found, ready, parameters });
      return response;
    } catch (error) {
      this.#record({ ...call, found, ready, parameters, error });
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
    const extension = this.#findExtension(request.method, target.path);
    if (extension !== undefined) return extensionCall(extension, request, principal);
    const found = this.#findOperation(request.method, target.path);
    if (found === undefined) {
      throw new ApiError('UnknownOperationException', 'no operation has this method and path');
    }
    const { labels } = found;
    const handlers = this.#handlers;
    return operationCall(found.entry.operation, { request, target, labels, principal, handlers });
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
