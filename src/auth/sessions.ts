import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Principal } from '../model/owner.ts';
import { BoundedMap } from './bounded-map.ts';
import type { RandomBytes } from './master-key.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Sessions open at once, and sign-in tokens not yet used; default 1,000 each. */
  readonly limit?: number | undefined;
}

interface Entry {
  readonly principal: Principal;
  readonly expiresAtMillis: number;
}

/** Stands for the access key of who came by a token that the server's own start printed. */
export const SIGN_IN_TOKEN = 'sign-in-token';

const LIFETIME_MILLIS = 12 * 3_600_000;
const DEFAULT_LIMIT = 1_000;

/**
 * Who is signed in to the console. In memory: a restart signs everybody out. What is handed out is
 * 256 random bits; kept is only its hash, and it is found by that hash, so neither a look into
 * memory nor the time of an answer tells a token. Past the limit the least recently used goes.
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

  /** A token that opens one session within 12 hours. */
  issueSignInToken(principal: Principal): string {
    return this.#add(this.#signInTokens, principal);
  }

  /** Uses a sign-in token up: the id of the session it opened, or undefined when it is not valid. */
  redeem(token: string): string | undefined {
    const key = hashed(token);
    const entry = this.#live(this.#signInTokens, key);
    if (entry === undefined) return undefined;
    this.#signInTokens.delete(key);
    return this.open(entry.principal);
  }

  /** Opens a session for somebody who was authenticated; returns its id, for the cookie. */
  open(principal: Principal): string {
    return this.#add(this.#sessions, principal);
  }

  /** Whose session it is; undefined when there is none or it was not used for 12 hours. */
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

  /** Ends what an access key opened, and its unused tokens: to be called when the key is deleted. */
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
