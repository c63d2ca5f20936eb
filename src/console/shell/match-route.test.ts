import { expect, test } from 'vitest';
import { matchRoute } from './match-route.ts';
import type { PageRoute } from './page-route.ts';

function Page() {
  return null;
}

const routes: readonly PageRoute[] = ['/', '/monitors/new', '/monitors/:name'].map((path) => ({
  path,
  title: path,
  help: '',
  Page,
}));

const cases = [
  { path: '', route: '/', params: {} },
  { path: '/', route: '/', params: {} },
  { path: '/monitors/web', route: '/monitors/:name', params: { name: 'web' } },
  { path: '/monitors/web/', route: '/monitors/:name', params: { name: 'web' } },
  { path: '/monitors/a%2Fb%20c', route: '/monitors/:name', params: { name: 'a/b c' } },
  { path: '/monitors/new', route: '/monitors/new', params: {} },
  { path: '/monitors', route: undefined, params: undefined },
  { path: '/monitors/web/edit', route: undefined, params: undefined },
  { path: '/monitors/%zz', route: undefined, params: undefined },
];
test.each(cases)('$path matches $route', ({ path, route, params }) => {
  const match = matchRoute(routes, path);
  expect(match?.route.path).toBe(route);
  expect(match?.params).toEqual(params);
});
