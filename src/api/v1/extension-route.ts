import { type MethodAndPath, pathMatcher } from '../../contract/path-pattern.ts';
import type { RawRequest, RawResponse } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';

export interface ExtensionCall {
  readonly request: RawRequest;
  readonly principal: Principal;
  /** The decoded path segments by label. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One request of the extension API: what the server offers below `/api/` beyond AWS's API. */
export interface ExtensionRoute extends MethodAndPath {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The action a policy must allow. */
  readonly action: `nfm:${string}`;
  /** ARN of the resource; without one, only a statement for resource `*` applies. */
  readonly resource?: ((call: ExtensionCall) => string) | undefined;
  /** Whether the call reads the flow store, which is throttled separately. */
  readonly isQuery?: boolean | undefined;
  /** Whether the body is a document that only `answer` reads, instead of a JSON object. */
  readonly isDocument?: boolean | undefined;
  /** May throw an ApiError. */
  readonly answer: (call: ExtensionCall) => Promise<RawResponse>;
}

export interface ExtensionRouteMatch {
  readonly route: ExtensionRoute;
  readonly labels: ExtensionCall['labels'];
}

export type ExtensionMatcher = (method: string, path: string) => ExtensionRouteMatch | undefined;

/** Finds a route by method and raw path. An empty or badly encoded label matches no route. */
export function extensionMatcher(routes: readonly ExtensionRoute[]): ExtensionMatcher {
  const match = pathMatcher(routes);
  return (method, path) => {
    const found = match(method, path);
    const labels = found && decodeLabels(found.labels);
    return labels && { route: found.entry, labels };
  };
}

function decodeLabels(
  encoded: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  try {
    const labels = Object.entries(encoded).map(([name, text]) => [name, decodeURIComponent(text)]);
    return labels.some(([, text]) => text === '') ? undefined : Object.fromEntries(labels);
  } catch {
    return undefined;
  }
}

/** The decoded path segment of a label, which must be in the route's pattern. */
export function labelOf({ labels }: ExtensionCall, name: string): string {
  const text = labels[name];
  if (text === undefined) throw new Error(`the path has no {${name}}`);
  return text;
}
