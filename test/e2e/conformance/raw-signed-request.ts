import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Credentials } from '../../../src/wire/sigv4/sign.ts';

type Header = readonly [name: string, value: string];

/**
 * A request and, beside it, the canonical form that AWS's specification gives it, both written out by
 * hand: nothing of the product's own signing has a part in it.
 */
export interface RawSignedRequest {
  readonly method?: string | undefined;
  /** As sent. */
  readonly target: string;
  /** Default: the target up to its question mark. */
  readonly canonicalPath?: string | undefined;
  readonly canonicalQuery?: string | undefined;
  /** As sent, in this order, after Host and X-Amz-Date. */
  readonly headers?: readonly Header[] | undefined;
  /** As signed, beside host and x-amz-date. */
  readonly canonicalHeaders?: readonly Header[] | undefined;
  /** As sent, and as signed when it differs; default `127.0.0.1:PORT`. */
  readonly host?: string | undefined;
  readonly signedHost?: string | undefined;
  readonly body?: string | undefined;
  /** What stands for the hash of the body where that is signed. */
  readonly payloadHash?: string | undefined;
  /** How far the clock is off. */
  readonly skewMillis?: number | undefined;
  /** What the credential scope says instead of what is right. */
  readonly scope?: Partial<CredentialScope> | undefined;
  /** What the key is derived for instead of what the scope says. */
  readonly keyScope?: Partial<CredentialScope> | undefined;
  readonly authorization?: ((right: string) => string) | undefined;
  /** Sends the headers the other way round, their names in upper case. */
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
  /** `x-amzn-ErrorType`; "" when there was none. */
  readonly error: string;
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) =>
  createHmac('sha256', key).update(data).digest();

/** Signs by the letter of "Create a signed AWS API request" and sends byte for byte by a socket. */
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
