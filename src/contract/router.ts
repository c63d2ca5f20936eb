import { OPERATIONS, type OperationName } from './operations.ts';

export interface RouteMatch {
  readonly operation: OperationName;
  /** The segments that stand for members, still URL-encoded. */
  readonly labels: Readonly<Record<string, string>>;
}

interface Route {
  readonly operation: OperationName;
  readonly segments: readonly string[];
}

export type Router = (method: string, path: string) => RouteMatch | undefined;

/**
 * A router over every operation of the contract. It takes the raw path of the request target, so
 * an encoded slash stays inside its segment and dot segments are segments like any other.
 */
export function createRouter(): Router {
  const routes = new Map<string, Route[]>();
  for (const [name, { method, path }] of Object.entries(OPERATIONS)) {
    const segments = path.split('/');
    const key = `${method} ${segments.length}`;
    const route = { operation: name as OperationName, segments };
    routes.set(key, [...(routes.get(key) ?? []), route]);
  }
  return (method, path) => {
    const given = path.split('/');
    for (const route of routes.get(`${method} ${given.length}`) ?? []) {
      const labels = matchSegments(route.segments, given);
      if (labels !== undefined) return { operation: route.operation, labels };
    }
    return undefined;
  };
}

function matchSegments(
  pattern: readonly string[],
  given: readonly string[],
): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [i, expected] of pattern.entries()) {
    const segment = given[i] ?? '';
    if (expected.startsWith('{')) labels[expected.slice(1, -1)] = segment;
    else if (expected !== segment) return undefined;
  }
  return labels;
}
