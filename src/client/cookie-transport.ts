import { ConnectionError } from './service-error.ts';
import type { Transport } from './transport.ts';

/** Below this path the console's session cookie counts. */
const COOKIE_API = '/console/api';

/**
 * The browser's transport: the page's own origin, authenticated by the HttpOnly cookie that
 * signing in has set. Rejects with ConnectionError when no answer comes.
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
