import { timingSafeEqual } from 'node:crypto';
import type { KeySource } from '../../auth/authenticator.ts';
import { type Sessions, SIGN_IN_TOKEN } from '../../auth/sessions.ts';
import { ApiError } from '../../model/api-error.ts';
import {
  type BodyRead,
  headerValue,
  type RawRequest,
  type RawResponse,
  type RequestHead,
} from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { parseJsonBody } from '../../wire/rest-json/json.ts';
import { isLoopbackHost } from '../config.ts';
import type { IncomingRequest, RequestHandler } from './http-server.ts';
import { MAX_API_BODY_BYTES } from './operator-pages.ts';

export interface ConsoleGateDeps {
  readonly sessions: Sessions;
  readonly keys: KeySource;
  readonly api: (request: RawRequest, principal: Principal) => Promise<RawResponse>;
  /** The Region of sessions. Access keys have none, and a cookie has no credential scope. */
  readonly region: string;
  /** Host names that may serve the console besides loopback. */
  readonly hosts: ReadonlySet<string>;
  readonly isTls: boolean;
  /** Reads bodies of requests with a session. */
  readonly readBody: BodyRead;
  /** Reads bodies of sign-ins, whose senders are unknown. */
  readonly readSignIn: BodyRead;
}

const PREFIX = '/console/api';
const COOKIE = 'nfm_session';
const COOKIE_SECONDS = 12 * 3600;
/** A token, or a key id and its secret. */
const MAX_SIGN_IN_BYTES = 4096;

/**
 * Authenticates the console. A one-time token or an access key opens a session, whose cookie is
 * valid only under `/console/api/`. Every request has its Host and Origin checked, so that neither
 * another site nor a host name rebound to this address (DNS rebinding) can use the session.
 */
export function createConsoleGate(deps: ConsoleGateDeps): RequestHandler {
  return async (request) => {
    checkHost(request, deps);
    checkOrigin(request);
    const path = request.target.slice(PREFIX.length).split('?')[0];
    if (path === '/sign-in' && request.method === 'POST') return await signIn(request, deps);
    const sessionId = readCookie(request);
    const principal = sessionId === undefined ? undefined : await findSession(sessionId, deps);
    if (sessionId === undefined || principal === undefined) {
      throw new ApiError('MissingAuthenticationTokenException', 'sign in first');
    }
    if (path === '/session' && request.method === 'GET') return describe(principal, {});
    if (path === '/sign-out' && request.method === 'POST') {
      deps.sessions.close(sessionId);
      return describe(principal, { 'set-cookie': cookie('', { seconds: 0, isTls: deps.isTls }) });
    }
    const target = request.target.slice(PREFIX.length);
    const body = await deps.readBody(request.stream, {
      maxBytes: MAX_API_BODY_BYTES,
      address: request.remoteAddress,
      account: principal.account,
    });
    return await deps.api({ ...request, target, body }, principal);
  };
}

/** Finds the principal of a session, with the current permissions of its key. */
async function findSession(
  sessionId: string,
  { sessions, keys }: ConsoleGateDeps,
): Promise<Principal | undefined> {
  const principal = sessions.find(sessionId);
  if (principal === undefined || principal.accessKeyId === SIGN_IN_TOKEN) return principal;
  const key = await keys.find(principal.accessKeyId);
  if (key === undefined) return undefined;
  return { ...principal, kind: key.kind, permissions: key.permissions };
}

async function signIn(request: IncomingRequest, deps: ConsoleGateDeps): Promise<RawResponse> {
  const limits = { maxBytes: MAX_SIGN_IN_BYTES, address: request.remoteAddress };
  const body = parseJsonBody(await deps.readSignIn(request.stream, limits));
  const sessionId =
    typeof body.token === 'string'
      ? deps.sessions.redeem(body.token)
      : await signInByKey(body, deps);
  const principal = sessionId === undefined ? undefined : deps.sessions.find(sessionId);
  if (sessionId === undefined || principal === undefined) {
    const message = 'the sign-in token was used or has expired; sign in with an access key';
    throw new ApiError('AccessDeniedException', message);
  }
  const { isTls } = deps;
  return describe(principal, {
    'set-cookie': cookie(sessionId, { seconds: COOKIE_SECONDS, isTls }),
  });
}

async function signInByKey(
  body: Readonly<Record<string, unknown>>,
  deps: ConsoleGateDeps,
): Promise<string> {
  const { accessKeyId, secretAccessKey } = body;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') {
    throw new ApiError('ValidationException', 'send token, or accessKeyId and secretAccessKey');
  }
  const key = await deps.keys.find(accessKeyId);
  if (key === undefined || !equalText(key.secretAccessKey, secretAccessKey)) {
    throw new ApiError('AccessDeniedException', 'no access key has this id and secret');
  }
  if (key.kind === 'agent') {
    throw new ApiError('AccessDeniedException', 'an agent key may only publish; use an admin key');
  }
  const { account, kind, permissions } = key;
  return deps.sessions.open({ account, kind, accessKeyId, permissions, region: deps.region });
}

function equalText(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}

function describe(principal: Principal, headers: Readonly<Record<string, string>>): RawResponse {
  const { account, region, accessKeyId } = principal;
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify({ account, region, accessKeyId }),
  };
}

function cookie(
  value: string,
  { seconds, isTls }: { readonly seconds: number; readonly isTls: boolean },
): string {
  const secure = isTls ? '; Secure' : '';
  return `${COOKIE}=${value}; Path=${PREFIX}/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}

function readCookie(head: RequestHead): string | undefined {
  for (const pair of headerValue(head, 'cookie')?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=');
    if (name === COOKIE && value !== undefined && value !== '') return value;
  }
  return undefined;
}

function checkHost(head: RequestHead, { hosts }: ConsoleGateDeps): void {
  const host = headerValue(head, 'host') ?? '';
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (isLoopbackHost(name) || hosts.has(name)) return;
  const message = `the console is not served under "${name}"; add it to --console-hosts`;
  throw new ApiError('AccessDeniedException', message);
}

/** Browsers send Origin with every request that is not GET or HEAD. */
function checkOrigin(head: RequestHead): void {
  const origin = headerValue(head, 'origin');
  // Ignores the scheme, because a proxy in front of the server may terminate TLS.
  const isOwn = origin?.replace(/^https?:\/\//, '') === headerValue(head, 'host');
  if (origin === undefined ? head.method === 'GET' : isOwn) return;
  throw new ApiError('AccessDeniedException', 'the request comes from another site');
}
