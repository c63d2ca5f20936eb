import { createHmac, timingSafeEqual } from 'node:crypto';
import type { OperationName } from '../contract/operations.ts';
import { invalid } from '../model/api-error.ts';
import type { Owner } from '../model/owner.ts';

/** A token is valid only in the context it was sealed in. */
export interface TokenContext {
  readonly operation: OperationName | 'LookupEvents';
  readonly owner: Owner;
  /** Parameters that select the paged list, such as monitor name and query id, or a filter. */
  readonly subject: readonly string[];
}

/**
 * A nextToken holds the position of the next page and an HMAC-SHA256 of position and context, so
 * a caller cannot forge one.
 */
export class NextTokens {
  readonly #key: Uint8Array;

  /** @param key 32 secret bytes, the same on every server of one installation */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The token of the page that begins at `position`; undefined without a next page. */
  seal(context: TokenContext, position: string | undefined): string | undefined {
    if (position === undefined) return undefined;
    const mac = this.#mac(context, position).toString('base64url');
    return `${Buffer.from(position).toString('base64url')}.${mac}`;
  }

  /** The position in a token. @throws ApiError ValidationException for a token of another context */
  open(context: TokenContext, token: string | undefined): string | undefined {
    if (token === undefined) return undefined;
    const [encoded = '', mac = ''] = token.split('.');
    const position = Buffer.from(encoded, 'base64url').toString();
    const expected = this.#mac(context, position);
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw invalid('nextToken is not one that this request returned');
    }
    return position;
  }

  #mac({ operation, owner, subject }: TokenContext, position: string): Buffer {
    const signed = JSON.stringify([operation, owner.account, owner.region, subject, position]);
    return createHmac('sha256', this.#key).update(signed).digest();
  }
}
