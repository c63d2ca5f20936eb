import type { RawRequest, RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { encodeJson } from '../../wire/rest-json/json.ts';

export interface ExtensionCall {
  readonly request: RawRequest;
  readonly principal: Principal;
  /** The path's `{names}`, decoded. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One request of the API beyond AWS's, below `/api/v1/`. */
export interface ExtensionRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** e.g. `/api/v1/keys/{accessKeyId}`; a `{name}` is one segment. */
  readonly path: string;
  /** What a policy must allow. */
  readonly action: `nfm:${string}`;
  /** What it is on; absent for everything, so that only `*` takes it in. */
  readonly resource?: ((call: ExtensionCall) => string) | undefined;
  /** Asks the flow store, and so costs more than the rest. */
  readonly isQuery?: boolean | undefined;
  /** Its body is a document, not the members of a JSON object: `answer` alone reads it. */
  readonly isDocument?: boolean | undefined;
  /** An ApiError it throws is answered like any other. */
  readonly answer: (call: ExtensionCall) => Promise<RawResponse>;
}

export interface ExtensionRouteMatch {
  readonly route: ExtensionRoute;
  readonly labels: Readonly<Record<string, string>>;
}

/** Finds the route of a method and an encoded path; undefined when there is none. */
export function matchExtensionRoute(
  routes: readonly ExtensionRoute[],
  method: string,
  path: string,
): ExtensionRouteMatch | undefined {
  for (const route of routes) {
    if (route.method !== method) continue;
    const labels = matchPath(route.path, path);
    if (labels !== undefined) return { route, labels };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const expected = pattern.split('/');
  const given = path.split('/');
  if (expected.length !== given.length) return undefined;
  const labels: Record<string, string> = {};
  for (const [i, segment] of expected.entries()) {
    const text = given[i] ?? '';
    if (segment.startsWith('{')) {
      const label = decoded(text);
      if (label === undefined) return undefined;
      labels[segment.slice(1, -1)] = label;
    } else if (segment !== text) {
      return undefined;
    }
  }
  return labels;
}

/** Undefined for an empty or badly encoded segment: it names nothing. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment) || undefined;
  } catch {
    return undefined;
  }
}

/** A successful answer of the API beyond AWS's. */
export function jsonAnswer(value: unknown): RawResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: encodeJson(value),
  };
}
