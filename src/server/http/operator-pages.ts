import type { Authenticator } from '../../auth/authenticator.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { BodyRead } from '../../model/http.ts';
import type { Principal } from '../../model/owner.ts';
import { sha256Hex } from '../../wire/sigv4/sha256-hex.ts';
import type { IncomingRequest, RequestHandler } from './http-server.ts';

/** The largest API request, 100 targets with 200 tags, is under 200 kB. */
export const MAX_API_BODY_BYTES = 1024 * 1024;

/** `GET /healthz`: 200 while the server can accept reports, even if the store lags behind. */
export function healthPage(journal: Journal): RequestHandler {
  return () =>
    Promise.resolve({
      status: journal.writable ? 200 : 503,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: journal.writable ? 'ok\n' : 'the journal cannot accept reports\n',
    });
}

/** `GET /metrics`, in Prometheus's text format. Requests from beyond loopback must be signed. */
export function metricsPage(metrics: Metrics, authenticate: Authenticate): RequestHandler {
  return async (request) => {
    if (!request.isLocal) await authenticate(request);
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: await metrics.page(),
    };
  };
}

export interface SignedRequest {
  readonly principal: Principal;
  readonly body: Buffer;
}

/** Reads the body and verifies the signature over head and body. */
export type Authenticate = (request: IncomingRequest) => Promise<SignedRequest>;

export function createAuthenticate(authenticator: Authenticator, readBody: BodyRead): Authenticate {
  return async (request) => {
    const prepared = await authenticator.prepare(request);
    const body = await readBody(request.stream, {
      maxBytes: MAX_API_BODY_BYTES,
      address: request.remoteAddress,
      accessKeyId: prepared.principal.accessKeyId,
      account: prepared.isVerified ? prepared.principal.account : undefined,
    });
    return { principal: authenticator.verify(prepared, request, sha256Hex(body)), body };
  };
}
