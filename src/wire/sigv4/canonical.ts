import { createHash, createHmac } from 'node:crypto';

/** The parts of a request that a signature covers, besides the date and the credential scope. */
export interface CanonicalInput {
  readonly method: string;
  /** The raw request target: path and query, still encoded, which never pass through `URL`. */
  readonly target: string;
  /** By lower-case name; a header that was sent several times has its values in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Lower-case names in the order of the signature's `SignedHeaders`. */
  readonly signedHeaders: readonly string[];
  readonly bodySha256Hex: string;
}

/** The part of `Credential` after the access key: `20150830/us-east-1/iam/aws4_request`. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
export const TERMINATOR = 'aws4_request';

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/${TERMINATOR}`;
}

/**
 * The canonical request of AWS Signature Version 4 ("Create a signed AWS API request" in the IAM
 * User Guide). It follows the rules of every service but S3: dot segments are removed, and the path
 * is encoded again.
 */
export function canonicalRequest(input: CanonicalInput): string {
  const mark = input.target.indexOf('?');
  const path = mark === -1 ? input.target : input.target.slice(0, mark);
  const query = mark === -1 ? '' : input.target.slice(mark + 1);
  let headers = '';
  for (const name of input.signedHeaders) {
    headers += `${name}:${canonicalHeader(input.headers.get(name) ?? [])}\n`;
  }
  return `${input.method}\n${canonicalPath(path)}\n${canonicalQuery(query)}\n${headers}\n${input.signedHeaders.join(';')}\n${input.bodySha256Hex}`;
}

/**
 * Drops `.` and empty segments, drops the segment before `..`, and keeps a slash at the end. Then
 * percent-encodes every segment, although it is encoded already, as botocore and the AWS SDKs do.
 * `%2e` is no dot.
 */
export function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  if (kept.length === 0) return '/';
  const end = path.endsWith('/') ? '/' : '';
  return `/${kept.map(percentEncode).join('/')}${end}`;
}

/**
 * Decodes names and values and encodes them again, so that every spelling of a query gives the same
 * text. Sorts by encoded name, then by value. `+` is a plus sign, not a space.
 */
export function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): readonly [string, string] => {
      const equals = pair.indexOf('=');
      const name = equals === -1 ? pair : pair.slice(0, equals);
      const value = equals === -1 ? '' : pair.slice(equals + 1);
      return [reencode(name), reencode(value)];
    });
  pairs.sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Trims each value, replaces each run of white space by a space, and joins the values by commas. */
export function canonicalHeader(values: readonly string[]): string {
  return values.map((value) => value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '')).join(',');
}

const UNRESERVED = /^[A-Za-z0-9_.~-]*$/;
const HEX_PAIR = /%([0-9A-Fa-f]{2})/g;

function reencode(text: string): string {
  if (!text.includes('%')) return percentEncode(text);
  const decoded = text.replace(HEX_PAIR, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return percentEncode(decoded);
}

/** Encodes all but the unreserved characters of RFC 3986. One character is one byte of the target. */
function percentEncode(text: string): string {
  if (UNRESERVED.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text, 'latin1')) encoded += ENCODED_BYTES[byte];
  return encoded;
}

const ENCODED_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  const hex = byte.toString(16).toUpperCase().padStart(2, '0');
  return UNRESERVED.test(character) ? character : `%${hex}`;
});

/**
 * The signature in lower-case hexadecimal. `amzDate` is `YYYYMMDDTHHMMSSZ`. The hash is over the
 * bytes that node:http sends and receives, one for each character of the canonical request.
 */
export function signature(input: {
  readonly canonical: string;
  readonly amzDate: string;
  readonly scope: CredentialScope;
  readonly signingKey: Uint8Array;
}): string {
  const hash = createHash('sha256').update(input.canonical, 'latin1').digest('hex');
  const text = `${ALGORITHM}\n${input.amzDate}\n${scopeText(input.scope)}\n${hash}`;
  return createHmac('sha256', input.signingKey).update(text).digest('hex');
}

/** Derives the signing key from a secret, for one day, Region and service. */
export function deriveSigningKey(secretAccessKey: string, scope: CredentialScope): Buffer {
  const date = hmac(`AWS4${secretAccessKey}`, scope.date);
  return hmac(hmac(hmac(date, scope.region), scope.service), TERMINATOR);
}

function hmac(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
