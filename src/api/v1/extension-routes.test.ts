import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUILT_IN_POLICIES } from '../../auth/compiled-policy.ts';
import { matchesWildcard } from '../../auth/wildcard.ts';
import { checkoutRoot } from '../../lib/checkout-root.ts';
import { type ExtensionRouteDeps, extensionRoutes } from './extension-routes.ts';

/** The routes without what they need: this test calls none of them. */
const routes = extensionRoutes({} as ExtensionRouteDeps);

test('docs/reference/extension-api.md lists every route with its action', () => {
  const page = readFileSync(join(checkoutRoot(), 'docs/reference/extension-api.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z]+ \S+)` \| `(nfm:\w+)` \|/gm)];
  expect(listed.map(([, request, action]) => `${request} ${action}`).sort()).toEqual(
    routes.map(({ method, path, action }) => `${method} ${path} ${action}`).sort(),
  );
});

test('no two routes have the same method and path', () => {
  const paths = routes.map(({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
  expect(new Set(paths).size).toBe(paths.length);
});

test('the built-in policy read allows only actions that exist, and none that changes anything', () => {
  const [statement] = BUILT_IN_POLICIES.read.Statement;
  const patterns = (statement?.Action ?? []).filter((pattern) => pattern.startsWith('nfm:'));
  for (const pattern of patterns) {
    const allowed = routes.filter(({ action }) => matchesWildcard(pattern, action));
    expect(allowed, pattern).not.toEqual([]);
    expect(new Set(allowed.map(({ method }) => method)), pattern).toEqual(new Set(['GET']));
  }
});
