import type { Kysely, Selectable } from 'kysely';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { type Database, runMigrations } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import type { IdentityStatus, KeyKind } from '../model/owner.ts';
import { AUTH_MIGRATIONS, type AuthTables } from './auth-tables.ts';
import type { KeySource, SigningAccessKey } from './authenticator.ts';
import { BUILT_IN_POLICIES, CompiledPolicy } from './compiled-policy.ts';
import { generateAccessKey } from './generate-access-key.ts';
import type { RandomBytes } from './master-key.ts';
import { type PolicyDocument, parsePolicy } from './policy-document.ts';
import type { SecretBox } from './secret-box.ts';

interface Deps {
  readonly database: Database;
  readonly secrets: SecretBox;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** An access key without its secret, which is shown only once, when the key is created. */
export interface AccessKeyDescription {
  readonly accessKeyId: string;
  readonly account: string;
  readonly kind: KeyKind;
  readonly status: IdentityStatus;
  readonly description: string;
  /** The key's own document, or the built-in policy of its kind. */
  readonly policy: PolicyDocument;
  readonly createdAtMillis: number;
}

/** The policy of a key: a built-in one, or a document of its own. */
export type KeyPolicy =
  | { readonly kind: Exclude<KeyKind, 'custom'> }
  | { readonly kind: 'custom'; readonly policy: PolicyDocument };

export interface NewAccessKey {
  readonly account: string;
  readonly grant: KeyPolicy;
  readonly description?: string | undefined;
}

export interface AccessKeyChange {
  readonly status?: IdentityStatus | undefined;
  readonly grant?: KeyPolicy | undefined;
  readonly description?: string | undefined;
}

/** The keys that the first start creates. */
export interface FirstKeys {
  readonly admin: SigningAccessKey;
  readonly agent: SigningAccessKey;
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
/** Three refreshes can fail before a cached key is older than `CACHED_MILLIS`. */
export const REFRESH_MILLIS = 15_000;
/** A key that was not found is not looked up again for this long. */
const UNKNOWN_MILLIS = 5_000;
const MAX_CACHED_KEYS = 10_000;
export const MAX_KEYS_PER_ACCOUNT = 1_000;

/**
 * Accounts and their access keys in the control database, behind a cache. `refresh`, called every
 * `REFRESH_MILLIS`, rereads the cached keys. Finding a cached key therefore never waits for the
 * database, even if that is stopped or slow. The first successful refresh drops the keys that the
 * database no longer has.
 */
export class AccessKeys implements KeySource {
  readonly #deps: Deps;
  readonly #tables: Kysely<AuthTables>;
  readonly #cache = new BoundedMap<string, Cached>(MAX_CACHED_KEYS);
  /** Set by the first `refresh`. From then on, an outdated cached key means that refreshes fail. */
  #isRefreshed = false;
  /** When each id was last not found. Separate, so that guessed ids evict no real key. */
  readonly #unknown = new BoundedMap<string, number>(MAX_CACHED_KEYS);

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<AuthTables>();
  }

  /** Creates or updates the tables. */
  async migrate(): Promise<void> {
    await runMigrations(this.#deps.database, 'auth', AUTH_MIGRATIONS);
  }

  /**
   * Finds an enabled key of an enabled account. Throws ServiceUnavailableException if the database
   * is unavailable and the key is not cached, or was last used more than a day ago.
   */
  async find(accessKeyId: string): Promise<SigningAccessKey | undefined> {
    const now = this.#deps.clock.now();
    const cached = this.#cache.get(accessKeyId);
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
        {
          cause,
        },
      );
    }
  }

  #isUsable(cached: Cached, now: number): boolean {
    if (now - cached.readAtMillis < CACHED_MILLIS) return true;
    // Refreshes have failed or hung for a minute, so the database is unavailable.
    return this.#isRefreshed && now - cached.usedAtMillis < USED_MILLIS;
  }

  /**
   * Rereads every cached key in one statement, to apply changes that other servers made. Rejects
   * and drops nothing if the database is unavailable.
   */
  async refresh(): Promise<void> {
    this.#isRefreshed = true;
    const asked = new Map(this.#cache.entries());
    if (asked.size === 0) return;
    const rows = await this.#rows([...asked.keys()]);
    const found = new Map(rows.map((row) => [row.access_key_id, row]));
    const now = this.#deps.clock.now();
    for (const [id, cached] of asked) {
      // Skips a key that was changed here meanwhile: it was reread or dropped.
      if (this.#cache.peek(id) !== cached) continue;
      const row = found.get(id);
      if (row === undefined) this.#cache.delete(id);
      else this.#cache.replace(id, { ...cached, ...this.#open(row, cached), readAtMillis: now });
    }
  }

  #rows(ids: readonly string[]): Promise<KeyRow[]> {
    return this.#tables
      .selectFrom('access_key')
      .innerJoin('account', 'account.account', 'access_key.account')
      .select(['access_key_id', 'access_key.account', 'kind', 'sealed_secret', 'policy'])
      .where('access_key_id', 'in', ids)
      .where('access_key.status', '=', 'ENABLED')
      .where('account.status', '=', 'ENABLED')
      .execute();
  }

  async #read(accessKeyId: string): Promise<SigningAccessKey | undefined> {
    const [row] = await this.#rows([accessKeyId]);
    const now = this.#deps.clock.now();
    if (row === undefined) {
      this.#cache.delete(accessKeyId);
      this.#unknown.set(accessKeyId, now);
      return undefined;
    }
    const opened = this.#open(row, undefined);
    this.#cache.set(accessKeyId, { ...opened, readAtMillis: now, usedAtMillis: now });
    return opened.key;
  }

  /** The key of a row. Decrypts the secret and compiles the policy only if the row has changed. */
  #open(row: KeyRow, cached: Cached | undefined): Pick<Cached, 'key' | 'row'> {
    if (cached !== undefined && isSameRow(row, cached.row)) return cached;
    const key: SigningAccessKey = {
      accessKeyId: row.access_key_id,
      secretAccessKey: this.#deps.secrets.open(row.access_key_id, row.sealed_secret),
      account: row.account,
      kind: row.kind,
      ...(row.policy === null ? {} : { permissions: new CompiledPolicy(readPolicy(row.policy)) }),
    };
    return { key, row };
  }

  /**
   * Creates a key, and its account if that is new. Throws ValidationException unless the account
   * has 12 digits, ServiceQuotaExceededException if the account has 1,000 keys.
   */
  async create(input: NewAccessKey): Promise<SigningAccessKey> {
    const { account, grant, description = '' } = input;
    const key = generateAccessKey(this.#deps.random, { account, kind: grant.kind });
    await this.#tables.transaction().execute(async (transaction) => {
      await this.#addAccount(transaction, account);
      const { count } = await transaction
        .selectFrom('access_key')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('account', '=', account)
        .executeTakeFirstOrThrow();
      if (count >= MAX_KEYS_PER_ACCOUNT) {
        throw new ApiError(
          'ServiceQuotaExceededException',
          `Account ${account} already has ${MAX_KEYS_PER_ACCOUNT} access keys: delete one first.`,
        );
      }
      await this.#insert(transaction, [{ key, description, policy: policyText(grant) }]);
    });
    this.#unknown.delete(key.accessKeyId);
    return key;
  }

  /** All keys of an account, by id. */
  async list(account: string): Promise<readonly AccessKeyDescription[]> {
    const rows = await this.#tables
      .selectFrom('access_key')
      .select(DESCRIBED)
      .where('account', '=', account)
      .orderBy('access_key_id')
      .execute();
    return rows.map(describe);
  }

  /** Undefined if no key has this id. */
  async get(accessKeyId: string): Promise<AccessKeyDescription | undefined> {
    const row = await this.#tables
      .selectFrom('access_key')
      .select(DESCRIBED)
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    return row === undefined ? undefined : describe(row);
  }

  /**
   * Changes the given properties; other servers apply the change within a minute. Returns false if
   * no key has this id.
   */
  async update(accessKeyId: string, change: AccessKeyChange): Promise<boolean> {
    const { status, description, grant } = change;
    const changed = await this.#tables
      .updateTable('access_key')
      .set({
        // Always sets something, because an empty SET is invalid SQL.
        access_key_id: accessKeyId,
        ...(status === undefined ? {} : { status }),
        ...(description === undefined ? {} : { description }),
        ...(grant === undefined ? {} : { kind: grant.kind, policy: policyText(grant) }),
      })
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    this.#forget(accessKeyId);
    return changed.numUpdatedRows > 0n;
  }

  /** Drops the cached keys of an account. Call it when the account's status changes. */
  forgetAccount(account: string): void {
    for (const [id, { key }] of [...this.#cache.entries()]) {
      if (key.account === account) this.#cache.delete(id);
    }
    for (const [id] of [...this.#unknown.entries()]) this.#unknown.delete(id);
  }

  /** Deletes a key. Returns false if the account has no such key. */
  async delete(account: string, accessKeyId: string): Promise<boolean> {
    const deleted = await this.#tables
      .deleteFrom('access_key')
      .where('account', '=', account)
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    this.#forget(accessKeyId);
    return deleted.numDeletedRows > 0n;
  }

  #forget(accessKeyId: string): void {
    this.#cache.delete(accessKeyId);
    this.#unknown.delete(accessKeyId);
  }

  /**
   * Creates the account with an admin and an agent key at the very first start. Later starts check
   * that the stored secrets can be decrypted and return undefined. `deliver` hands the keys to
   * their owner before they are committed, so no key is stored that nobody received.
   */
  async ensureFirstKeys(input: {
    readonly account: string;
    readonly deliver: (keys: FirstKeys) => Promise<void>;
  }): Promise<FirstKeys | undefined> {
    const { account } = input;
    const keys: FirstKeys = {
      admin: generateAccessKey(this.#deps.random, { account, kind: 'admin' }),
      agent: generateAccessKey(this.#deps.random, { account, kind: 'agent' }),
    };
    return await this.#tables.transaction().execute(async (transaction) => {
      const stored = await transaction
        .selectFrom('access_key')
        .select(['access_key_id', 'sealed_secret'])
        .limit(1)
        .executeTakeFirst();
      if (stored !== undefined) {
        this.#deps.secrets.open(stored.access_key_id, stored.sealed_secret);
        return undefined;
      }
      // If two servers start at once, one adds the account and the other waits here for it.
      if (!(await this.#addAccount(transaction, input.account))) return undefined;
      await this.#insert(
        transaction,
        [keys.admin, keys.agent].map((key) => ({
          key,
          description: FIRST_DESCRIPTION,
          policy: null,
        })),
      );
      await input.deliver(keys);
      return keys;
    });
  }

  /** Returns true if the account is new. */
  async #addAccount(tables: Kysely<AuthTables>, account: string): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tables
      .insertInto('account')
      .values({ account, created_at_millis: this.#deps.clock.now() })
      .onConflict((conflict) => conflict.column('account').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }

  async #insert(tables: Kysely<AuthTables>, keys: readonly NewRow[]): Promise<void> {
    const createdAtMillis = this.#deps.clock.now();
    const rows = keys.map(({ key, description, policy }) => ({
      access_key_id: key.accessKeyId,
      account: key.account,
      kind: key.kind,
      sealed_secret: this.#deps.secrets.seal(key.accessKeyId, key.secretAccessKey),
      created_at_millis: createdAtMillis,
      description,
      policy,
    }));
    await tables.insertInto('access_key').values(rows).execute();
  }
}

type KeyRow = Pick<
  Selectable<AuthTables['access_key']>,
  'access_key_id' | 'account' | 'kind' | 'sealed_secret' | 'policy'
>;

function isSameRow(a: KeyRow, b: KeyRow): boolean {
  return a.kind === b.kind && a.policy === b.policy && a.sealed_secret === b.sealed_secret;
}

interface NewRow {
  readonly key: SigningAccessKey;
  readonly description: string;
  readonly policy: string | null;
}

const FIRST_DESCRIPTION = 'made at the first start';

const DESCRIBED = [
  'access_key_id',
  'account',
  'kind',
  'status',
  'description',
  'policy',
  'created_at_millis',
] as const;

type DescribedRow = Pick<Selectable<AuthTables['access_key']>, (typeof DESCRIBED)[number]>;

function describe(row: DescribedRow): AccessKeyDescription {
  return {
    accessKeyId: row.access_key_id,
    account: row.account,
    kind: row.kind,
    status: row.status,
    description: row.description,
    policy: row.kind === 'custom' ? readPolicy(row.policy) : BUILT_IN_POLICIES[row.kind],
    createdAtMillis: row.created_at_millis,
  };
}

function policyText(grant: KeyPolicy): string | null {
  return grant.kind === 'custom' ? JSON.stringify(grant.policy) : null;
}

/** Parses a stored document again, which rejects one that a newer version stored. */
function readPolicy(text: string | null): PolicyDocument {
  return parsePolicy(JSON.parse(text ?? 'null'));
}
