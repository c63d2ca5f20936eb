import '@cloudscape-design/global-styles/index.css';
import './console.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cookieTransport } from '../client/cookie-transport.ts';
import { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { systemClock } from '../lib/clock.ts';
import { App, type Workspace } from './app.tsx';
import { InsightsApi } from './insights/insights-api.ts';
import { LiveInsights } from './insights/live-insights.ts';
import { ScopeStore } from './insights/scope-store.ts';
import { browserTimers } from './lib/timers.ts';
import { isSessionEnd } from './session/is-session-end.ts';
import { createSessionApi } from './session/session.ts';
import { SessionStore } from './session/session-store.ts';
import { takeToken } from './session/take-token.ts';
import { followColourMode } from './shell/follow-colour-mode.ts';

const token = takeToken(window.location, window.history);
const sessions = new SessionStore({ api: createSessionApi((...call) => fetch(...call)), token });

function createWorkspace(): Workspace {
  const client = new NetworkFlowMonitorClient({ transport: cookieTransport() });
  const api = new InsightsApi({ client });
  const session = { isSessionEnd, onSessionEnd: () => sessions.end() };
  const deps = { api, clock: systemClock, timers: browserTimers, ...session };
  return { scopes: new ScopeStore(deps), insights: new LiveInsights(deps) };
}

const root = document.getElementById('root');
if (root === null) throw new Error('cannot show the console: the page has no #root');
followColourMode(window);
createRoot(root).render(
  <StrictMode>
    <App sessions={sessions} createWorkspace={createWorkspace} />
  </StrictMode>,
);
void sessions.start();
