import '@cloudscape-design/global-styles/index.css';
import './console.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { cookieTransport } from '../client/cookie-transport.ts';
import { NetworkFlowMonitorClient } from '../client/network-flow-monitor-client.ts';
import { systemClock } from '../lib/clock.ts';
import { App } from './app.tsx';
import { browserTimers } from './lib/timers.ts';
import { isSessionEnd } from './session/is-session-end.ts';
import { createSessionApi } from './session/session.ts';
import { SessionStore } from './session/session-store.ts';
import { takeToken } from './session/take-token.ts';
import type { ConsoleServices } from './shell/console-services.ts';
import { followColourMode } from './shell/follow-colour-mode.ts';

const token = takeToken(window.location, window.history);
const sessions = new SessionStore({ api: createSessionApi((...call) => fetch(...call)), token });

function createServices(): ConsoleServices {
  return {
    client: new NetworkFlowMonitorClient({ transport: cookieTransport() }),
    clock: systemClock,
    timers: browserTimers,
    isSessionEnd,
    onSessionEnd: () => sessions.end(),
  };
}

const root = document.getElementById('root');
if (root === null) throw new Error('cannot show the console: the page has no #root');
followColourMode(window);
createRoot(root).render(
  <StrictMode>
    <App sessions={sessions} createServices={createServices} />
  </StrictMode>,
);
void sessions.start();
