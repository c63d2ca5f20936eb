import AppLayoutToolbar from '@cloudscape-design/components/app-layout-toolbar';
import HelpPanel from '@cloudscape-design/components/help-panel';
import { Suspense, useEffect, useState } from 'react';
import type { Session } from '../session/session.ts';
import { ConsoleHeader } from './console-header.tsx';
import type { ConsoleServices } from './console-services.ts';
import { matchRoute } from './match-route.ts';
import { NotFoundPage } from './not-found-page.tsx';
import { PageNavigation } from './page-navigation.tsx';
import type { PageRoute } from './page-route.ts';
import { Starting } from './starting.tsx';
import { usePath } from './use-path.ts';

export interface ConsoleShellProps {
  readonly routes: readonly PageRoute[];
  readonly services: ConsoleServices;
  readonly session: Session;
  readonly onSignOut: () => void;
}

/** The frame around every page: header, navigation and help. The address selects the page. */
export function ConsoleShell({ routes, services, session, onSignOut }: ConsoleShellProps) {
  const path = usePath();
  const [navigationOpen, setNavigationOpen] = useState(false);
  const [helpOpen, setHelpOpen] = useState(false);
  const match = matchRoute(routes, path);
  const title = match?.route.title ?? 'Page not found';
  useEffect(() => {
    document.title = `${title} - Network Flow Monitor`;
  }, [title]);
  return (
    <>
      <div id="console-header">
        <ConsoleHeader session={session} onSignOut={onSignOut} />
      </div>
      <AppLayoutToolbar
        headerSelector="#console-header"
        maxContentWidth={1760}
        ariaLabels={ARIA_LABELS}
        navigation={<PageNavigation routes={routes} path={path} />}
        navigationOpen={navigationOpen}
        onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
        toolsHide={match === undefined}
        tools={
          <HelpPanel header={<h2>{title}</h2>}>
            <p>{match?.route.help}</p>
          </HelpPanel>
        }
        toolsOpen={helpOpen}
        onToolsChange={({ detail }) => setHelpOpen(detail.open)}
        content={
          match === undefined ? (
            <NotFoundPage path={path} />
          ) : (
            <Suspense fallback={<Starting text="Loading" />}>
              <match.route.Page services={services} session={session} params={match.params} />
            </Suspense>
          )
        }
      />
    </>
  );
}

const ARIA_LABELS = {
  navigation: 'Pages',
  navigationToggle: 'Open the navigation',
  navigationClose: 'Close the navigation',
  tools: 'Help',
  toolsToggle: 'Open the help',
  toolsClose: 'Close the help',
};
