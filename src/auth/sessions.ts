import { createHash } from 'node:crypto';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { Principal } from '../model/owner.ts';
import type { RandomBytes } from './master-key.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Maximum open sessions, and maximum unused sign-in tokens; default 1,000. */
  readonly limit?: number | undefined;
}

interface Entry {
  readonly principal: Principal;
  readonly expiresAtMillis: number;
}

/** `accessKeyId` of a principal that signed in with the token printed when the server started. */
export const SIGN_IN_TOKEN = 'sign-in-token';

const LIFETIME_MILLIS = 12 * 3_600_000;
const DEFAULT_LIMIT = 1_000;

/**
 * Console sessions, in memory: a restart ends them all. Session ids and sign-in tokens have 256
 * random bits. Only their hashes are stored and looked up, so neither a memory dump nor timing
 * reveals a token. Past the limit, drops the least recently used.
 */
export class Sessions {
  readonly #deps: Deps;
  readonly #sessions: BoundedMap<string, Entry>;
  readonly #signInTokens: BoundedMap<string, Entry>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#sessions = new BoundedMap(deps.limit ?? DEFAULT_LIMIT);
    this.#signInTokens = new BoundedMap(deps.limit ?? DEFAULT_LIMIT);
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

  /** The principal of a session; undefined if it does not exist or was not used for 12 hours. */
  find(sessionId: string): Principal | undefined {
    const key = hashed(sessionId);
    const entry = this.#live(this.#sessions, key);
    if (entry === undefined) return undefined;
    this.#sessions.set(key, { ...entry, expiresAtMillis: this.#expiry() });
    return entry.principal;
  }

  close(sessionId: string): void {
    this.#sessions.delete(hashed(sessionId));
  }

  /** Ends an access key's sessions and unused tokens. Call it when the key is deleted. */
  closeAllOf(accessKeyId: string): void {
    for (const map of [this.#sessions, this.#signInTokens]) {
      for (const [key, { principal }] of [...map.entries()]) {
        if (principal.accessKeyId === accessKeyId) map.delete(key);
      }
    }
  }

  #add(map: BoundedMap<string, Entry>, principal: Principal): string {
    const token = this.#deps.random(32).toString('base64url');
    map.set(hashed(token), { principal, expiresAtMillis: this.#expiry() });
    return token;
  }

  #live(map: BoundedMap<string, Entry>, key: string): Entry | undefined {
    const entry = map.get(key);
    if (entry === undefined || this.#deps.clock.now() < entry.expiresAtMillis) return entry;
    map.delete(key);
    return undefined;
  }

  #expiry(): number {
    return this.#deps.clock.now() + LIFETIME_MILLIS;
  }
}

function hashed(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
