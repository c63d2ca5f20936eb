import { ApiError } from '../../model/api-error.ts';
import { isRegionName } from '../../model/region-name.ts';
import { ALGORITHM, type CredentialScope, TERMINATOR } from './canonical.ts';

/** The parts of an `Authorization` header of AWS Signature Version 4. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  /** Lower-case names, in the order of the signature. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
}

/** More than the SDKs sign. A longer list is rejected before its headers are looked up. */
const MAX_SIGNED_HEADERS = 100;

/**
 * Parses `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. No message repeats the
 * header's value.
 *
 * @throws IncompleteSignatureException when a part is missing or malformed
 * @throws InvalidSignatureException when `host` is not signed, or the scope does not end in
 *   `aws4_request`
 */
export function parseAuthorization(text: string): Authorization {
  const space = text.indexOf(' ');
  if (space === -1 || text.slice(0, space) !== ALGORITHM) {
    throw incomplete(`Authorization header must begin with '${ALGORITHM} '.`);
  }
  const parts = parameters(text.slice(space + 1));
  const signedHeaders = parseSignedHeaders(required(parts, 'SignedHeaders'));
  const signature = required(parts, 'Signature');
  if (!/^[0-9a-f]{64}$/.test(signature)) {
    throw incomplete('Signature must be 64 lower-case hexadecimal digits.');
  }
  return { ...parseCredential(required(parts, 'Credential')), signedHeaders, signature };
}

function parameters(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(',')) {
    const trimmed = part.trim();
    const equals = trimmed.indexOf('=');
    if (equals <= 0) throw incomplete('Authorization header has a part without name and value.');
    const name = trimmed.slice(0, equals);
    if (found.has(name)) throw incomplete('Authorization header has a part twice.');
    found.set(name, trimmed.slice(equals + 1));
  }
  return found;
}

function required(parts: ReadonlyMap<string, string>, name: string): string {
  const value = parts.get(name);
  if (value === undefined || value === '') {
    throw incomplete(`Authorization header requires '${name}' parameter.`);
  }
  return value;
}

function parseCredential(text: string): Pick<Authorization, 'accessKeyId' | 'scope'> {
  const [accessKeyId = '', date = '', region = '', service = '', end, ...more] = text.split('/');
  if (end === undefined || more.length > 0) {
    throw incomplete('Credential must have the form KEY/YYYYMMDD/REGION/SERVICE/aws4_request.');
  }
  if (!/^[A-Za-z0-9_]{1,128}$/.test(accessKeyId)) {
    throw incomplete('Credential must begin with an access key id.');
  }
  if (!/^\d{8}$/.test(date)) throw incomplete('Credential must have its date as YYYYMMDD.');
  if (!isRegionName(region)) {
    throw incomplete(
      'Credential must have a Region of 1 to 64 letters, digits, dots, dashes or underscores.',
    );
  }
  if (end !== TERMINATOR) {
    throw new ApiError(
      'InvalidSignatureException',
      `Credential should be scoped with a valid terminator: '${TERMINATOR}'.`,
    );
  }
  return { accessKeyId, scope: { date, region, service } };
}

function parseSignedHeaders(text: string): readonly string[] {
  const names = text.split(';');
  const legal = names.every((name) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name));
  if (!legal || names.length > MAX_SIGNED_HEADERS || new Set(names).size < names.length) {
    throw incomplete(
      'SignedHeaders must be lower-case header names, each once, between semicolons.',
    );
  }
  if (!names.includes('host')) {
    throw new ApiError(
      'InvalidSignatureException',
      "'Host' must be a 'SignedHeader' in the AWS Authorization header.",
    );
  }
  return names;
}

function incomplete(message: string): ApiError {
  return new ApiError('IncompleteSignatureException', message);
}
