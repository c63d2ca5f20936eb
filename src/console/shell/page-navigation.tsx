import SideNavigation from '@cloudscape-design/components/side-navigation';
import { hrefOf, pathOf } from './console-path.ts';
import { navigationItems } from './navigation-items.ts';
import type { PageRoute } from './page-route.ts';
import { navigate } from './use-path.ts';

export interface PageNavigationProps {
  readonly routes: readonly PageRoute[];
  /** Path of the page that is open. */
  readonly path: string;
}

/** Links to the pages, made from the route table. */
export function PageNavigation({ routes, path }: PageNavigationProps) {
  return (
    <SideNavigation
      activeHref={hrefOf(path)}
      items={navigationItems(routes)}
      onFollow={(event) => {
        if (event.detail.external) return;
        event.preventDefault();
        navigate(pathOf(event.detail.href));
      }}
    />
  );
}
