import { expect, test } from 'vitest';
import { ROUTES } from './routes.ts';
import { hrefOf, pathOf } from './shell/console-path.ts';
import { matchRoute } from './shell/match-route.ts';
import { navigationItems } from './shell/navigation-items.ts';

test.each(ROUTES)('the address of $title opens $title', ({ path, title }) => {
  const address = hrefOf(path.replace(/:[^/]+/g, 'value'));
  expect(matchRoute(ROUTES, pathOf(address))?.route.title).toBe(title);
});

test('every page has a title and a help text, and no two pages have one title', () => {
  expect(ROUTES.filter(({ title, help }) => title === '' || help === '')).toEqual([]);
  expect(new Set(ROUTES.map(({ title }) => title)).size).toBe(ROUTES.length);
});

test('the navigation lists the pages that have a section, and no page with a variable path', () => {
  expect(navigationItems(ROUTES)).toEqual([
    {
      type: 'section-group',
      title: 'Traffic',
      items: [{ type: 'link', text: 'Workload insights', href: '/console/' }],
    },
  ]);
  const variable = ROUTES.filter(
    ({ path, section }) => path.includes(':') && section !== undefined,
  );
  expect(variable).toEqual([]);
});
