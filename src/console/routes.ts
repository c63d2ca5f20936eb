import { lazy } from 'react';
import type { PageRoute } from './shell/page-route.ts';

/**
 * Every page of the console. The navigation, the document's title and the help panel follow from
 * this table. A page's code is loaded when it is first opened.
 */
export const ROUTES: readonly PageRoute[] = [
  {
    path: '/',
    title: 'Workload insights',
    section: 'Traffic',
    help: 'Shows how much data the hosts with an agent transfer and how much of it they lose: over time for each Availability Zone, and for the subnets that contribute most. A dash marks a value that is not known. A gap in a line marks minutes without a report.',
    Page: lazy(async () => {
      const { InsightsPage } = await import('./pages/insights/insights-page.tsx');
      return { default: InsightsPage };
    }),
  },
];
