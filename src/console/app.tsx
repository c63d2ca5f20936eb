import { lazy, Suspense, useMemo } from 'react';
import type { LiveInsights } from './insights/live-insights.ts';
import type { ScopeStore } from './insights/scope-store.ts';
import { useStore } from './lib/use-store.ts';
import type { SessionStore } from './session/session-store.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import { ConsoleHeader } from './shell/console-header.tsx';
import { Starting } from './shell/starting.tsx';

/** The charts and tables are not loaded before somebody is signed in. */
const InsightsPage = lazy(async () => {
  const page = await import('./insights/insights-page.tsx');
  return { default: page.InsightsPage };
});

/** What a signed-in page works with; made anew for each session. */
export interface Workspace {
  readonly scopes: ScopeStore;
  readonly insights: LiveInsights;
}

export interface AppProps {
  readonly sessions: SessionStore;
  readonly createWorkspace: () => Workspace;
}

/** The sign-in form or the page, and nothing of the page without a session. */
export function App({ sessions, createWorkspace }: AppProps) {
  const state = useStore(sessions.state);
  const session = state.status === 'signed-in' ? state.session : undefined;
  // A new session must not see the answers given to another one.
  const workspace = useMemo(
    () => (session === undefined ? undefined : createWorkspace()),
    [session, createWorkspace],
  );
  if (state.status === 'starting') {
    return <Starting text="Signing in" />;
  }
  if (session === undefined || workspace === undefined) {
    return (
      <SignInPage
        busy={state.status === 'signed-out' && state.busy}
        notice={state.status === 'signed-out' ? state.notice : undefined}
        onSignIn={(credentials) => void sessions.signIn(credentials)}
      />
    );
  }
  return (
    <>
      <div id="console-header">
        <ConsoleHeader session={session} onSignOut={() => void sessions.signOut()} />
      </div>
      <Suspense fallback={<Starting text="Loading" />}>
        <InsightsPage scopes={workspace.scopes} insights={workspace.insights} owner={session} />
      </Suspense>
    </>
  );
}
