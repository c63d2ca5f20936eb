import type { RawRequest } from '../model/http.ts';
import type { Principal } from '../model/owner.ts';
import { splitTarget } from '../wire/rest-json/target.ts';
import type { FoundCall } from './found-call.ts';
import { readJsonBody } from './json-body.ts';
import type { ExtensionRouteMatch } from './v1/extension-route.ts';

/** A call of the extension API. */
export function extensionCall(
  { route, labels }: ExtensionRouteMatch,
  request: RawRequest,
  principal: Principal,
): FoundCall {
  const { action, resource, isQuery = false, isDocument = false, answer } = route;
  const call = { request, principal, labels };
  return {
    name: action.slice('nfm:'.length),
    isExtension: true,
    isQuery,
    read: () => ({
      intents: [{ action, resource: resource?.(call) }],
      parameters: {
        ...Object.fromEntries(splitTarget(request.target).query),
        ...(isDocument ? {} : readJsonBody(request)),
        ...labels,
      },
      run: () => answer(call),
    }),
  };
}
