import { ConnectionError } from './service-error.ts';
import type { Transport } from './transport.ts';

/** The server accepts the console's session cookie only below this path. */
const COOKIE_API = '/console/api';

/**
 * The transport for browsers. Sends requests to the origin of the page, authenticated by the
 * HttpOnly cookie that signing in sets. Rejects with ConnectionError if no response arrives.
 */
export function cookieTransport(): Transport {
  return {
    async send({ method, target, headers, body, signal }) {
      try {
        const response = await fetch(COOKIE_API + target, {
          method,
          headers,
          body: body === '' ? null : body,
          signal: signal ?? null,
          credentials: 'same-origin',
        });
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers.entries()),
          body: await response.text(),
        };
      } catch (cause) {
        throw new ConnectionError('cannot reach the server', { cause });
      }
    },
  };
}
