import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { FairTable } from '../lib/fair-table.ts';
import { LIMITS } from '../model/limits.ts';
import type { Principal } from '../model/owner.ts';
import type { RandomBytes } from './master-key.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Open sessions in all, and unused sign-in tokens in all; default 1,000. */
  readonly limit?: number | undefined;
  /** Those of one account; default 200. */
  readonly accountLimit?: number | undefined;
}

interface Entry {
  readonly principal: Principal;
  readonly expiresAtMillis: number;
  /** The session ends then even if it is used. */
  readonly endsAtMillis: number;
}

/** `accessKeyId` of a principal that signed in with the token printed when the server started. */
export const SIGN_IN_TOKEN = 'sign-in-token';

const LIFETIME_MILLIS = 12 * 3_600_000;
const MAX_SESSION_MILLIS = 7 * 24 * 3_600_000;

/**
 * Console sessions, in memory: a restart ends them all. A session ends 12 hours after its last use,
 * and at the latest 7 days after it was opened. Session ids and sign-in tokens have 256 random
 * bits. Only their hashes are stored and looked up, so neither a memory dump nor timing reveals a
 * token. Past a limit, the account with the most sessions or tokens loses the one used least
 * recently.
 */
export class Sessions {
  readonly #deps: Deps;
  readonly #sessions: TokenTable;
  readonly #signInTokens: TokenTable;

  constructor(deps: Deps) {
    this.#deps = deps;
    const limits = ({
      total,
      perAccount,
    }: typeof LIMITS.sessions | typeof LIMITS.signInTokens) => ({
      total: deps.limit ?? total,
      perOwner: deps.accountLimit ?? perAccount,
    });
    this.#sessions = new TokenTable(limits(LIMITS.sessions));
    this.#signInTokens = new TokenTable(limits(LIMITS.signInTokens));
  }

  /** Returns a token that can open one session within 12 hours. */
  issueSignInToken(principal: Principal): string {
    return this.#add(this.#signInTokens, principal);
  }

  /** Exchanges a sign-in token for the id of a new session; undefined if the token is invalid. */
  redeem(token: string): string | undefined {
    const key = hashed(token);
    const entry = this.#live(this.#signInTokens, key);
    if (entry === undefined) return undefined;
    this.#signInTokens.delete(key);
    return this.open(entry.principal);
  }

  /** Opens a session for an authenticated principal. Returns its id, for the cookie. */
  open(principal: Principal): string {
    return this.#add(this.#sessions, principal);
  }

  /** The principal of a session; undefined if it does not exist or has ended. */
  find(sessionId: string): Principal | undefined {
    const key = hashed(sessionId);
    const entry = this.#live(this.#sessions, key);
    if (entry === undefined) return undefined;
    const expiresAtMillis = this.#deps.clock.now() + LIFETIME_MILLIS;
    this.#sessions.set(key, { ...entry, expiresAtMillis });
    return entry.principal;
  }

  close(sessionId: string): void {
    this.#sessions.delete(hashed(sessionId));
  }

  /** Ends an access key's sessions and unused tokens. Call it when the key is deleted. */
  closeAllOf(accessKeyId: string): void {
    for (const table of [this.#sessions, this.#signInTokens]) table.deleteAllOf(accessKeyId);
  }

  #add(table: TokenTable, principal: Principal): string {
    const token = this.#deps.random(32).toString('base64url');
    const now = this.#deps.clock.now();
    table.set(hashed(token), {
      principal,
      expiresAtMillis: now + LIFETIME_MILLIS,
      endsAtMillis: now + MAX_SESSION_MILLIS,
    });
    return token;
  }

  #live(table: TokenTable, key: string): Entry | undefined {
    const entry = table.get(key);
    if (entry === undefined) return undefined;
    const now = this.#deps.clock.now();
    if (now < entry.expiresAtMillis && now < entry.endsAtMillis) return entry;
    table.delete(key);
    return undefined;
  }
}

/** Entries by the hash of their token. */
class TokenTable {
  readonly #accountOf = new Map<string, string>();
  readonly #entries: FairTable<Entry>;

  constructor(limits: { readonly total: number; readonly perOwner: number }) {
    const onDropped = (_: Entry, key: string) => this.#accountOf.delete(key);
    this.#entries = new FairTable({ ...limits, onDropped });
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(this.#accountOf.get(key) ?? '', key);
  }

  set(key: string, entry: Entry): void {
    this.#accountOf.set(key, entry.principal.account);
    this.#entries.set(entry.principal.account, key, entry);
  }

  delete(key: string): void {
    this.#entries.delete(this.#accountOf.get(key) ?? '', key);
    this.#accountOf.delete(key);
  }

  deleteAllOf(accessKeyId: string): void {
    for (const [, key, { principal }] of [...this.#entries.entries()]) {
      if (principal.accessKeyId === accessKeyId) this.delete(key);
    }
  }
}

function hashed(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
