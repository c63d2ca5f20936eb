import { formatAmzDate } from './amz-date.ts';
import {
  ALGORITHM,
  type CredentialScope,
  canonicalRequest,
  deriveSigningKey,
  scopeText,
  signature,
} from './canonical.ts';
import { sha256Hex } from './sha256-hex.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignInput {
  readonly method: string;
  /** Path and query as they are sent, percent-encoded. */
  readonly target: string;
  /** All headers to send, including `host`. Names in any case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly credentials: Credentials;
  readonly region: string;
  readonly service: string;
  readonly now: Date;
}

/** Headers that proxies and HTTP clients may change. The AWS SDKs do not sign them either. */
const UNSIGNED = new Set([
  'authorization',
  'cache-control',
  'connection',
  'expect',
  'from',
  'keep-alive',
  'max-forwards',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
]);

/**
 * Signs a request with AWS Signature Version 4.
 *
 * @returns all headers to send, with lower-case names: those given, `x-amz-date`,
 *   `x-amz-security-token` (temporary credentials) and `authorization`
 * @throws TypeError when `host` is missing or the target is not percent-encoded
 */
export function signRequest(input: SignInput): Record<string, string> {
  const amzDate = formatAmzDate(input.now);
  const headers = headersToSend(input, amzDate);
  if (headers.host === undefined) throw new TypeError('cannot sign a request without a host');
  if (/[^\x21-\x7e]/.test(input.target)) {
    throw new TypeError('cannot sign a target that is not percent-encoded');
  }
  const signedHeaders = Object.keys(headers)
    .filter((name) => !UNSIGNED.has(name) && !/^(proxy|sec)-/.test(name))
    .sort();
  const { region, service } = input;
  const scope: CredentialScope = { date: amzDate.slice(0, 8), region, service };
  const canonical = canonicalRequest({
    method: input.method,
    target: input.target,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
    signedHeaders,
    bodySha256Hex: headers['x-amz-content-sha256'] ?? sha256Hex(input.body),
  });
  const signingKey = deriveSigningKey(input.credentials.secretAccessKey, scope);
  const signed = signature({ canonical, amzDate, scope, signingKey });
  const credential = `${input.credentials.accessKeyId}/${scopeText(scope)}`;
  headers.authorization = `${ALGORITHM} Credential=${credential}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signed}`;
  return headers;
}

function headersToSend(input: SignInput, amzDate: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(input.headers)) headers[name.toLowerCase()] = value;
  headers['x-amz-date'] = amzDate;
  const token = input.credentials.sessionToken;
  if (token !== undefined) headers['x-amz-security-token'] = token;
  return headers;
}
