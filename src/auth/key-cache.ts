import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';
import type { SigningAccessKey } from './authenticator.ts';

/** The columns of an enabled key of an enabled account. */
export interface KeyRow {
  readonly access_key_id: string;
  readonly account: string;
  readonly kind: SigningAccessKey['kind'];
  readonly sealed_secret: string;
  readonly policy: string | null;
}

export interface KeyCacheDeps {
  readonly clock: Clock;
  /** Reads the rows of these key ids that exist. */
  readonly readRows: (ids: readonly string[]) => Promise<readonly KeyRow[]>;
  /** Decrypts the secret and compiles the policy. */
  readonly open: (row: KeyRow) => SigningAccessKey;
}

interface Cached {
  readonly key: SigningAccessKey;
  readonly row: KeyRow;
  /** When the key was last read from the database. */
  readonly readAtMillis: number;
  usedAtMillis: number;
}

/** A change made by another server takes effect within this time; a change made here, at once. */
const CACHED_MILLIS = 60_000;
/** While the database is unavailable, a key stays valid this long after its last use. */
const USED_MILLIS = 24 * 3_600_000;
/** A key that was not found is not looked up again for this long. */
const UNKNOWN_MILLIS = 5_000;

/**
 * Caches access keys. `refresh` rereads the cached keys, so finding one never waits for the
 * database, even if that is stopped or slow. The first successful refresh drops the keys that the
 * database no longer has.
 */
export class KeyCache {
  readonly #deps: KeyCacheDeps;
  readonly #keys = new BoundedMap<string, Cached>(LIMITS.cachedKeys.total);
  /** When each id was last not found. Separate, so that guessed ids evict no real key. */
  readonly #unknown = new BoundedMap<string, number>(LIMITS.unknownKeys.total);
  /** Set by the first `refresh`. After that, a key is outdated only if refreshes fail. */
  #isRefreshed = false;

  constructor(deps: KeyCacheDeps) {
    this.#deps = deps;
  }

  /**
   * Finds a key. Throws ServiceUnavailableException if the database is unavailable and the key is
   * not cached, or was last used more than a day ago.
   */
  async find(accessKeyId: string): Promise<SigningAccessKey | undefined> {
    const now = this.#deps.clock.now();
    const cached = this.#keys.get(accessKeyId);
    if (cached !== undefined && this.#isUsable(cached, now)) {
      cached.usedAtMillis = now;
      return cached.key;
    }
    const missedAt = this.#unknown.get(accessKeyId);
    if (missedAt !== undefined && now - missedAt < UNKNOWN_MILLIS) return undefined;
    try {
      return await this.#read(accessKeyId);
    } catch (cause) {
      if (cached !== undefined && now - cached.usedAtMillis < USED_MILLIS) return cached.key;
      throw new ApiError(
        'ServiceUnavailableException',
        'Access keys are temporarily unavailable.',
        { cause },
      );
    }
  }

  #isUsable(cached: Cached, now: number): boolean {
    if (now - cached.readAtMillis < CACHED_MILLIS) return true;
    // Refreshes have failed or hung for a minute, so the database is unavailable.
    return this.#isRefreshed && now - cached.usedAtMillis < USED_MILLIS;
  }

  async #read(accessKeyId: string): Promise<SigningAccessKey | undefined> {
    const [row] = await this.#deps.readRows([accessKeyId]);
    const now = this.#deps.clock.now();
    if (row === undefined) {
      this.#keys.delete(accessKeyId);
      this.#unknown.set(accessKeyId, now);
      return undefined;
    }
    const key = this.#deps.open(row);
    this.#keys.set(accessKeyId, { key, row, readAtMillis: now, usedAtMillis: now });
    return key;
  }

  /**
   * Rereads every cached key in one statement, to apply changes that other servers made. Rejects
   * and drops nothing if the database is unavailable.
   */
  async refresh(): Promise<void> {
    this.#isRefreshed = true;
    const asked = new Map(this.#keys.entries());
    if (asked.size === 0) return;
    const rows = await this.#deps.readRows([...asked.keys()]);
    const found = new Map(rows.map((row) => [row.access_key_id, row]));
    const readAtMillis = this.#deps.clock.now();
    for (const [id, cached] of asked) {
      // Skips a key that was changed here meanwhile: it was reread or dropped.
      if (this.#keys.peek(id) !== cached) continue;
      const row = found.get(id);
      if (row === undefined) this.#keys.delete(id);
      else this.#keys.replace(id, { ...this.#update(cached, row), readAtMillis });
    }
  }

  #update(cached: Cached, row: KeyRow): Cached {
    if (isSameRow(row, cached.row)) return cached;
    return { ...cached, row, key: this.#deps.open(row) };
  }

  /** Drops a key, so that the next `find` reads it. */
  forget(accessKeyId: string): void {
    this.#keys.delete(accessKeyId);
    this.#unknown.delete(accessKeyId);
  }

  /** Drops the keys of an account, and every note of a key that was not found. */
  forgetAccount(account: string): void {
    for (const [id, { key }] of [...this.#keys.entries()]) {
      if (key.account === account) this.#keys.delete(id);
    }
    for (const [id] of [...this.#unknown.entries()]) this.#unknown.delete(id);
  }
}

function isSameRow(a: KeyRow, b: KeyRow): boolean {
  return a.kind === b.kind && a.policy === b.policy && a.sealed_secret === b.sealed_secret;
}
