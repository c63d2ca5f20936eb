import { lazy, Suspense, useMemo } from 'react';
import { useStore } from './lib/use-store.ts';
import { ROUTES } from './routes.ts';
import type { SessionStore } from './session/session-store.ts';
import { SignInPage } from './session/sign-in-page.tsx';
import type { ConsoleServices } from './shell/console-services.ts';
import { Starting } from './shell/starting.tsx';

/** The sign-in form needs none of the shell's code. */
const ConsoleShell = lazy(async () => {
  const shell = await import('./shell/console-shell.tsx');
  return { default: shell.ConsoleShell };
});

export interface AppProps {
  readonly sessions: SessionStore;
  readonly createServices: () => ConsoleServices;
}

/** Shows the sign-in form without a session and the console with one. */
export function App({ sessions, createServices }: AppProps) {
  const state = useStore(sessions.state);
  const session = state.status === 'signed-in' ? state.session : undefined;
  const services = useMemo(
    () => (session === undefined ? undefined : createServices()),
    [session, createServices],
  );
  if (state.status === 'starting') {
    return <Starting text="Signing in" />;
  }
  if (session === undefined || services === undefined) {
    return (
      <SignInPage
        busy={state.status === 'signed-out' && state.busy}
        notice={state.status === 'signed-out' ? state.notice : undefined}
        onSignIn={(credentials) => void sessions.signIn(credentials)}
      />
    );
  }
  return (
    <Suspense fallback={<Starting text="Loading" />}>
      <ConsoleShell
        routes={ROUTES}
        services={services}
        session={session}
        onSignOut={() => void sessions.signOut()}
      />
    </Suspense>
  );
}
