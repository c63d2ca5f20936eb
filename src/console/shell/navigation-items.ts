import type { SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import { hrefOf } from './console-path.ts';
import type { PageRoute } from './page-route.ts';

/** The links of the navigation: the routes that have a section, below its heading. */
export function navigationItems(routes: readonly PageRoute[]): readonly SideNavigationProps.Item[] {
  const sections = new Set(routes.flatMap(({ section }) => section ?? []));
  return [...sections].map((section) => ({
    type: 'section-group',
    title: section,
    items: routes
      .filter((route) => route.section === section)
      .map(({ path, title }) => ({ type: 'link', text: title, href: hrefOf(path) })),
  }));
}
