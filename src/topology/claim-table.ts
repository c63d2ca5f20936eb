import { largestOf } from '../lib/fair-table.ts';
import type { AddressClaim } from './address-book.ts';

export interface ClaimTableOptions {
  /** Maximum per account; the caller rejects further claims. */
  readonly perAccount: number;
  /** Maximum in all. Past it, the account with the most claims loses all claims to one address. */
  readonly total: number;
  /**
   * Maximum per account, network and address. Past it, the claim seen least recently is dropped.
   */
  readonly perAddress: number;
}

interface OwnClaims {
  readonly byAddress: Map<string, AddressClaim[]>;
  count: number;
}

/** The claims of all accounts, in limited memory. */
export class ClaimTable {
  readonly #options: ClaimTableOptions;
  readonly #accounts = new Map<string, OwnClaims>();
  #count = 0;

  constructor(options: ClaimTableOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  countOf(account: string): number {
    return this.#accounts.get(account)?.count ?? 0;
  }

  /** The claims of an account to an address of a network. */
  of(account: string, vpcId: string, address: string): readonly AddressClaim[] {
    return this.#accounts.get(account)?.byAddress.get(addressKey(vpcId, address)) ?? [];
  }

  *all(): IterableIterator<AddressClaim> {
    for (const { byAddress } of this.#accounts.values()) {
      for (const claims of byAddress.values()) yield* claims;
    }
  }

  /** Whether the account has as many claims as it may. */
  isFull(account: string): boolean {
    return this.countOf(account) >= this.#options.perAccount;
  }

  /** Adds a claim. @returns the claims that were dropped for it */
  add(claim: AddressClaim): readonly AddressClaim[] {
    const { account, vpcId } = claim.endpoint;
    const own = this.#accounts.get(account) ?? { byAddress: new Map(), count: 0 };
    this.#accounts.set(account, own);
    const key = addressKey(vpcId, claim.address);
    const claims = own.byAddress.get(key) ?? [];
    own.byAddress.set(key, claims);
    claims.push(claim);
    this.#countMore(own, 1);
    if (claims.length > this.#options.perAddress) return this.#dropOldest(own, claims);
    return this.#count > this.#options.total ? this.#dropOfLargest() : [];
  }

  /** Drops the claims last seen before a time. @returns whether there were any */
  expire(beforeSeconds: number): boolean {
    const before = this.#count;
    for (const [account, own] of this.#accounts) {
      for (const [key, claims] of own.byAddress) {
        const kept = claims.filter(({ lastSeenSeconds }) => lastSeenSeconds >= beforeSeconds);
        this.#countMore(own, kept.length - claims.length);
        if (kept.length === 0) own.byAddress.delete(key);
        else if (kept.length < claims.length) own.byAddress.set(key, kept);
      }
      if (own.count === 0) this.#accounts.delete(account);
    }
    return this.#count < before;
  }

  #dropOldest(own: OwnClaims, claims: AddressClaim[]): readonly AddressClaim[] {
    let oldest = 0;
    for (const [i, { lastSeenSeconds }] of claims.entries()) {
      if (lastSeenSeconds < (claims[oldest]?.lastSeenSeconds ?? 0)) oldest = i;
    }
    this.#countMore(own, -1);
    return claims.splice(oldest, 1);
  }

  #dropOfLargest(): readonly AddressClaim[] {
    const [, own] = largestOf(this.#accounts, ({ count }) => count);
    for (const [key, claims] of own.byAddress) {
      own.byAddress.delete(key);
      this.#countMore(own, -claims.length);
      return claims;
    }
    return [];
  }

  #countMore(own: OwnClaims, more: number): void {
    own.count += more;
    this.#count += more;
  }
}

function addressKey(vpcId: string, address: string): string {
  return `${vpcId} ${address}`;
}
