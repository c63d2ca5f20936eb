import { createHmac, timingSafeEqual } from 'node:crypto';
import type { OperationName } from '../contract/operations.ts';
import { ApiError } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';

/** What a token is good for: another operation, account, Region or query refuses it. */
export interface TokenContext {
  readonly operation: OperationName | 'LookupEvents';
  readonly owner: Owner;
  /** What the pages are of, e.g. monitor name and query id, or a list's filter. */
  readonly subject: readonly string[];
}

/**
 * nextTokens: where the next page begins, signed (HMAC-SHA256) together with what it belongs to.
 * Callers can neither read meaning into them nor make one up.
 */
export class NextTokens {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The token for a page that begins at `position`. */
  seal(context: TokenContext, position: string): string {
    const mac = this.#mac(context, position).toString('base64url');
    return `${Buffer.from(position).toString('base64url')}.${mac}`;
  }

  /** The position in a token; undefined without one. Throws ValidationException for a wrong one. */
  open(context: TokenContext, token: string | undefined): string | undefined {
    if (token === undefined) return undefined;
    const [encoded = '', mac = ''] = token.split('.');
    const position = Buffer.from(encoded, 'base64url').toString();
    const expected = this.#mac(context, position);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new ApiError('ValidationException', 'nextToken is not one that this request returned');
    }
    return position;
  }

  #mac({ operation, owner, subject }: TokenContext, position: string): Buffer {
    const signed = JSON.stringify([operation, owner.account, owner.region, subject, position]);
    return createHmac('sha256', this.#key).update(signed).digest();
  }
}
