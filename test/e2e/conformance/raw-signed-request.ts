import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Credentials } from '../../../src/wire/sigv4/sign.ts';

type Header = readonly [name: string, value: string];

/**
 * A request and its canonical form by AWS's specification, both written by hand, without the
 * product's own signing code.
 */
export interface RawSignedRequest {
  readonly method?: string | undefined;
  /** The target as sent. */
  readonly target: string;
  /** The path as signed; default: the target up to its question mark. */
  readonly canonicalPath?: string | undefined;
  readonly canonicalQuery?: string | undefined;
  /** The headers as sent, in this order, after Host and X-Amz-Date. */
  readonly headers?: readonly Header[] | undefined;
  /** The headers as signed, beside host and x-amz-date. */
  readonly canonicalHeaders?: readonly Header[] | undefined;
  /** The host as sent, and as signed if different; default `127.0.0.1:PORT`. */
  readonly host?: string | undefined;
  readonly signedHost?: string | undefined;
  readonly body?: string | undefined;
  /** The value signed in place of the hash of the body. */
  readonly payloadHash?: string | undefined;
  /** The error of the client's clock. */
  readonly skewMillis?: number | undefined;
  /** Wrong parts of the credential scope. */
  readonly scope?: Partial<CredentialScope> | undefined;
  /** Parts in which the scope of the derived key differs from the credential scope. */
  readonly keyScope?: Partial<CredentialScope> | undefined;
  readonly authorization?: ((right: string) => string) | undefined;
  /** Sends the headers in reverse order with names in upper case. */
  readonly isReversed?: boolean | undefined;
}

interface CredentialScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

export interface RawAnswer {
  readonly status: number;
  /** `x-amzn-ErrorType`; "" if absent. */
  readonly error: string;
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) =>
  createHmac('sha256', key).update(data).digest();

/** Signs as "Create a signed AWS API request" specifies, and sends the bytes over a plain socket. */
export async function sendRaw(
  endpoint: string,
  credentials: Credentials,
  request: RawSignedRequest,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(endpoint);
  const host = request.host ?? `${hostname}:${port}`;
  const { method = 'GET', target, body = '' } = request;
  const headers = headersOf({ ...request, host }, credentials);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.end(`${method} ${target} HTTP/1.1\r\n${lines}Connection: close\r\n\r\n${body}`);
  const answer = await text(socket);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]),
    error: /^x-amzn-errortype: (\w+)\r$/im.exec(answer)?.[1] ?? '',
  };
}

function headersOf(
  request: RawSignedRequest & { readonly host: string },
  credentials: Credentials,
): Header[] {
  const { host, body = '', headers = [], skewMillis = 0 } = request;
  const now = new Date(Date.now() + skewMillis).toISOString();
  const amzDate = now.replaceAll(/[:-]|\.\d{3}/g, '');
  const right = authorizationOf(request, credentials, amzDate);
  const all: Header[] = [
    ['Host', host],
    ['X-Amz-Date', amzDate],
    ...headers,
    ['Authorization', request.authorization?.(right) ?? right],
    ...(body === '' ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const]),
  ];
  if (request.isReversed !== true) return all;
  return all.reverse().map(([name, value]) => [name.toUpperCase(), value]);
}

function authorizationOf(
  request: RawSignedRequest & { readonly host: string },
  credentials: Credentials,
  amzDate: string,
): string {
  const right = {
    date: amzDate.slice(0, 8),
    region: 'us-east-1',
    service: 'networkflowmonitor',
    terminator: 'aws4_request',
  };
  const scope = { ...right, ...request.scope };
  const signed: Header[] = [
    ['host', request.signedHost ?? request.host],
    ['x-amz-date', amzDate],
    ...(request.canonicalHeaders ?? []),
  ];
  signed.sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method ?? 'GET',
    request.canonicalPath ?? request.target.split('?')[0],
    request.canonicalQuery ?? '',
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    request.payloadHash ?? sha256(request.body ?? ''),
  ].join('\n');
  const scopeText = [scope.date, scope.region, scope.service, scope.terminator].join('/');
  const toSign = ['AWS4-HMAC-SHA256', amzDate, scopeText, sha256(canonical)].join('\n');
  const keyScope = { ...scope, ...request.keyScope };
  const date = hmac(`AWS4${credentials.secretAccessKey}`, keyScope.date);
  const key = hmac(hmac(hmac(date, keyScope.region), keyScope.service), keyScope.terminator);
  const signature = hmac(key, toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scopeText}, SignedHeaders=${names}, Signature=${signature}`;
}
