import { randomBytes } from 'node:crypto';
import { FakeClock } from '../lib/clock.ts';
import { groupHeaders, type RequestHead } from '../model/http.ts';
import { type SignInput, signRequest } from '../wire/sigv4/sign.ts';
import { Authenticator, type SigningAccessKey } from './authenticator.ts';

export const SERVICE = 'networkflowmonitor';

export function accessKey(): SigningAccessKey {
  return {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    account: '123456789012',
    kind: 'admin',
  };
}

/** An authenticator for these keys, and its clock. */
export function authenticatorOf(
  keys: readonly SigningAccessKey[],
  clock = new FakeClock(Date.parse('2026-11-23T12:00:00Z')),
): { readonly authenticator: Authenticator; readonly clock: FakeClock } {
  const byId = new Map(keys.map((key) => [key.accessKeyId, key]));
  const source = { find: async (id: string) => byId.get(id) };
  return { authenticator: new Authenticator({ keys: source, clock, service: SERVICE }), clock };
}

/** The head of a request as received; a list of headers alternates names and values. */
export function headOf(
  method: string,
  target: string,
  headers: readonly string[] | Readonly<Record<string, string>>,
): RequestHead {
  const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
  return { method, target, headers: groupHeaders(flat), remoteAddress: '127.0.0.1' };
}

/** The head of a request signed by our client's signer. */
export function signedHead(
  input: Omit<SignInput, 'region' | 'service' | 'headers'> &
    Partial<Pick<SignInput, 'region' | 'service' | 'headers'>>,
): RequestHead {
  const headers = signRequest({
    region: 'us-east-1',
    service: SERVICE,
    headers: { host: '127.0.0.1:8130' },
    ...input,
  });
  return headOf(input.method, input.target, headers);
}
