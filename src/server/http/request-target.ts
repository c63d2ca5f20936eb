import { ApiError } from '../../model/api-error.ts';

/**
 * Converts the absolute form of a request target (`http://host/path`, RFC 9112 3.2.2), which clients
 * send to proxies, to its path and query. Signatures cover those in either form. Other targets are
 * returned unchanged.
 */
export function originForm(target: string): string {
  const absolute = ABSOLUTE.exec(target);
  if (absolute === null) return target;
  const [, , rest = ''] = absolute;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * Checks that a target is a path, `*`, or an absolute form that names the host of the Host header.
 * If the hosts differed, two readers could understand the request differently.
 *
 * @throws ApiError ValidationException otherwise
 */
export function checkTarget(target: string, host: string | undefined): void {
  if (target.startsWith('/') || target === '*') return;
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority === undefined) {
    const message = 'the request target must be a path, such as /publish';
    throw new ApiError('ValidationException', message);
  }
  if (host === undefined || withoutDefaultPort(authority) === withoutDefaultPort(host)) return;
  const message = `the request target names the host ${authority}, but the Host header names ${host}`;
  throw new ApiError('ValidationException', message);
}

/**
 * Checks that the body has no transfer coding besides chunked. Node decodes chunked, and would pass
 * a body with any other coding to the handler undecoded.
 *
 * @throws ApiError UnsupportedMediaTypeException otherwise
 */
export function checkTransferCoding(codings: string | undefined): void {
  if (codings === undefined || codings.trim().toLowerCase() === 'chunked') return;
  const message = 'transfer-encoding must be chunked or absent';
  throw new ApiError('UnsupportedMediaTypeException', message);
}

function withoutDefaultPort(authority: string): string {
  return authority.toLowerCase().replace(/:(80|443)?$/, '');
}
