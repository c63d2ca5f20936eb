import { invalid } from '../model/api-error.ts';
import { isAccountId } from '../model/owner.ts';
import type { SigningAccessKey } from './authenticator.ts';
import type { RandomBytes } from './master-key.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new key in AWS's form. Throws ValidationException unless the account has 12 digits. */
export function generateAccessKey(
  random: RandomBytes,
  { account, kind }: Pick<SigningAccessKey, 'account' | 'kind'>,
): SigningAccessKey {
  checkAccount(account);
  return {
    accessKeyId: `AKIA${base32(random(10))}`,
    secretAccessKey: random(30).toString('base64'),
    account,
    kind,
  };
}

/** Throws ValidationException unless the account has 12 digits. */
export function checkAccount(account: string): void {
  if (!isAccountId(account)) throw invalid('account must have 12 digits');
}

/** RFC 4648 without padding; the number of bytes must be a multiple of five. */
function base32(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 5) {
    let group = 0n;
    for (const byte of bytes.subarray(start, start + 5)) group = (group << 8n) | BigInt(byte);
    for (let shift = 35n; shift >= 0n; shift -= 5n) {
      text += BASE32[Number((group >> shift) & 31n)];
    }
  }
  return text;
}
