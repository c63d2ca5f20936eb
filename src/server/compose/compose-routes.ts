import { createHmac, randomUUID } from 'node:crypto';
import type { AuthenticatedHandler } from '../../api/api-deps.ts';
import { createApi } from '../../api/create-api.ts';
import { jsonAnswer } from '../../api/json-answer.ts';
import { NextTokens } from '../../api/next-tokens.ts';
import { Throttle } from '../../api/throttle.ts';
import { systemClock } from '../../lib/clock.ts';
import { listOf } from '../../lib/setting.ts';
import { createConsoleGate } from '../http/console-gate.ts';
import type { IncomingRequest, RequestHandler } from '../http/http-server.ts';
import {
  type Authenticate,
  createAuthenticate,
  healthPage,
  metricsPage,
} from '../http/operator-pages.ts';
import type { Basics } from './basics.ts';
import { composeExtensionRoutes } from './compose-extension-routes.ts';
import type { DataPlane, ServerParts } from './server-parts.ts';

/** Maps every path of the port to its handler. The first match counts. */
export function composeRoutes(
  basics: Basics,
  parts: ServerParts,
): readonly (readonly [path: string, handler: RequestHandler])[] {
  const { config, keys, metrics } = basics;
  const { data, sessions } = parts;
  const api = composeApi(basics, parts);
  const { readCall, readSignIn } = data.bodies;
  const authenticate = createAuthenticate(data.authenticator, readCall);
  const gate = createConsoleGate({
    sessions,
    keys,
    api,
    region: config.region,
    hosts: new Set(listOf(config.consoleHosts).map((host) => host.toLowerCase())),
    isTls: config.tlsCert !== '',
    readBody: readCall,
    readSignIn,
  });
  return [
    ['/healthz', healthPage(data.journal)],
    ['/metrics', metricsPage(metrics, authenticate)],
    ['/publish', publishRoute(data)],
    ['/console/api/', gate],
    ['/', signedRoute(authenticate, api)],
  ];
}

function publishRoute({ publish }: DataPlane): RequestHandler {
  return async (request) => {
    await publish.receive(request, request.stream);
    return jsonAnswer({});
  };
}

function signedRoute(authenticate: Authenticate, api: AuthenticatedHandler): RequestHandler {
  return async (request: IncomingRequest) => {
    const { principal, body } = await authenticate(request);
    return await api({ ...request, body }, principal);
  };
}

function composeApi(basics: Basics, parts: ServerParts): AuthenticatedHandler {
  const { config, masterKey, log } = basics;
  const { control } = parts;
  const { scopes, monitors, queries } = control;
  // Derived from the master key: servers that share it accept each other's tokens.
  const tokens = new NextTokens(createHmac('sha256', masterKey).update('next tokens').digest());
  return createApi({
    scopes,
    monitors,
    queries,
    tokens,
    extensionRoutes: composeExtensionRoutes(basics, parts, tokens),
    newRequestId: randomUUID,
    log,
    now: () => systemClock.now(),
    throttle: composeThrottle(basics),
    record: (event, atMillis) => control.audit.record(event, atMillis),
    maxQueryRangeSeconds: config.maxQueryRangeSeconds || undefined,
  });
}

/** Returns undefined when no rate is set. */
function composeThrottle({ config, metrics }: Basics): Throttle | undefined {
  const rates = {
    read: config.throttleReadsPerSecond,
    write: config.throttleWritesPerSecond,
    query: config.throttleQueriesPerSecond,
  };
  const set = Object.entries(rates).filter(([, rate]) => rate > 0);
  if (set.length === 0) return undefined;
  const perSecond = Object.fromEntries(set);
  const burstSeconds = config.throttleBurstSeconds;
  return new Throttle({ clock: systemClock, metrics, perSecond, burstSeconds });
}
