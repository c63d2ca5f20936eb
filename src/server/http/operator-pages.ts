import type { Authenticator } from '../../auth/authenticator.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Metrics } from '../../lib/metrics.ts';
import type { Principal } from '../../model/owner.ts';
import { sha256Hex } from '../../wire/sigv4/sha256-hex.ts';
import { isLoopbackHost } from '../config.ts';
import type { IncomingRequest, RequestHandler } from './http-server.ts';
import { readBody } from './read-body.ts';

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
export function metricsPage(metrics: Metrics, authenticator: Authenticator): RequestHandler {
  return async (request) => {
    const address = request.remoteAddress.replace(/^::ffff:/, '');
    if (!isLoopbackHost(address)) await authenticate(request, authenticator);
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
export async function authenticate(
  request: IncomingRequest,
  authenticator: Authenticator,
): Promise<SignedRequest> {
  const prepared = await authenticator.prepare(request);
  const body = await readBody(request.stream);
  return { principal: authenticator.verify(prepared, request, sha256Hex(body)), body };
}
