import type { Kysely, Selectable } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import { type Database, runMigrations } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import type { IdentityStatus, KeyKind } from '../model/owner.ts';
import { AUTH_MIGRATIONS, type AuthTables } from './auth-tables.ts';
import type { KeySource, SigningAccessKey } from './authenticator.ts';
import { BoundedMap } from './bounded-map.ts';
import { CompiledPolicy, READY_POLICIES } from './compiled-policy.ts';
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

/** An access key as it may be shown: the secret is told once, when it is made. */
export interface AccessKeyDescription {
  readonly accessKeyId: string;
  readonly account: string;
  readonly kind: KeyKind;
  readonly status: IdentityStatus;
  readonly description: string;
  /** What it may do: its own document, or the ready one of its kind. */
  readonly policy: PolicyDocument;
  readonly createdAtMillis: number;
}

/** What a key may do: a ready policy, or a document of its own. */
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

/** The keys made at the first start. */
export interface FirstKeys {
  readonly admin: SigningAccessKey;
  readonly agent: SigningAccessKey;
}

interface Cached {
  readonly key: SigningAccessKey;
  readonly row: KeyRow;
  /** When the database last confirmed it. */
  readonly readAtMillis: number;
  usedAtMillis: number;
}

/** A change made by another server takes effect within this time; one made here, at once. */
const CACHED_MILLIS = 60_000;
/** While the database does not answer, a key is accepted this long after its last use. */
const USED_MILLIS = 24 * 3_600_000;
/** Three refreshes may fail before a cached key is older than `CACHED_MILLIS`. */
export const REFRESH_MILLIS = 15_000;
/** A key made by another server is refused this long after it was asked for too early. */
const UNKNOWN_MILLIS = 5_000;
const KEYS_CACHED = 10_000;
export const MAX_KEYS_PER_ACCOUNT = 1_000;

/**
 * Accounts and their access keys in the control database, behind a cache. `refresh`, called every
 * `REFRESH_MILLIS`, rereads the cached keys, so a lookup of a cached key never waits for the
 * database: not while it is stopped, frozen or slow. A key that the database no longer has is
 * dropped by the first refresh that gets an answer.
 */
export class AccessKeys implements KeySource {
  readonly #deps: Deps;
  readonly #tables: Kysely<AuthTables>;
  readonly #cache = new BoundedMap<string, Cached>(KEYS_CACHED);
  /** Whether `refresh` runs: then a cached key that is not confirmed means that it fails. */
  #isRefreshed = false;
  /** When each was last not found. Apart, so that guessing ids pushes no real key out. */
  readonly #unknown = new BoundedMap<string, number>(KEYS_CACHED);

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<AuthTables>();
  }

  /** Makes or updates the tables. */
  async migrate(): Promise<void> {
    await runMigrations(this.#deps.database, 'auth', AUTH_MIGRATIONS);
  }

  /**
   * The key, or undefined when there is none by that id. Throws ServiceUnavailableException when the
   * database does not answer and the key is not cached, or was last used more than a day ago.
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
      throw new ApiError('ServiceUnavailableException', 'Access keys cannot be looked up now.', {
        cause,
      });
    }
  }

  #isUsable(cached: Cached, now: number): boolean {
    if (now - cached.readAtMillis < CACHED_MILLIS) return true;
    // Refreshes have failed or hung for a minute: the database does not answer.
    return this.#isRefreshed && now - cached.usedAtMillis < USED_MILLIS;
  }

  /**
   * Rereads every cached key in one statement: what was revoked, disabled or given another policy
   * by another server takes effect here. Throws when the database does not answer; nothing is
   * dropped then.
   */
  async refresh(): Promise<void> {
    this.#isRefreshed = true;
    const asked = new Map(this.#cache.entries());
    if (asked.size === 0) return;
    const rows = await this.#rows([...asked.keys()]);
    const found = new Map(rows.map((row) => [row.access_key_id, row]));
    const now = this.#deps.clock.now();
    for (const [id, cached] of asked) {
      // A key that was changed here meanwhile has been read anew or dropped.
      if (this.#cache.peek(id) !== cached) continue;
      const row = found.get(id);
      if (row === undefined) this.#cache.delete(id);
      else this.#cache.replace(id, { ...cached, ...this.#opened(row, cached), readAtMillis: now });
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
    const opened = this.#opened(row, undefined);
    this.#cache.set(accessKeyId, { ...opened, readAtMillis: now, usedAtMillis: now });
    return opened.key;
  }

  /** The key of a row; decrypting and compiling happen once for each change of the row. */
  #opened(row: KeyRow, cached: Cached | undefined): Pick<Cached, 'key' | 'row'> {
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
   * Makes a key of an account, which is made too when it is new. Throws ValidationException when the
   * account is not 12 digits, ServiceQuotaExceededException when it has as many keys as it may.
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
          `Account ${account} has ${MAX_KEYS_PER_ACCOUNT} access keys already: delete one first.`,
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

  /** A key as it may be shown; undefined when there is none by that id. */
  async get(accessKeyId: string): Promise<AccessKeyDescription | undefined> {
    const row = await this.#tables
      .selectFrom('access_key')
      .select(DESCRIBED)
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    return row === undefined ? undefined : describe(row);
  }

  /** Changes what is given; here at once, on other servers within a minute. False without the key. */
  async update(accessKeyId: string, change: AccessKeyChange): Promise<boolean> {
    const { status, description, grant } = change;
    const changed = await this.#tables
      .updateTable('access_key')
      .set({
        // Sets something in any case: an empty SET is no SQL.
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

  /** Reads the keys of an account anew: to be called when its status has changed. */
  forgetAccount(account: string): void {
    for (const [id, { key }] of [...this.#cache.entries()]) {
      if (key.account === account) this.#cache.delete(id);
    }
    for (const [id] of [...this.#unknown.entries()]) this.#unknown.delete(id);
  }

  /** Deletes a key: no request signed with it is accepted any more. False when there was none. */
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
   * On the first start of all makes the account with an admin and an agent key; later answers
   * undefined, after a check that the stored secrets can be decrypted. `deliver` (which writes them
   * where their owner finds them) runs before the keys are committed: keys nobody was told of are
   * never left behind.
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
      // Of two servers starting at once only one adds the account; the other waits here, then goes on.
      if (!(await this.#addAccount(transaction, input.account))) return undefined;
      await this.#insert(
        transaction,
        [keys.admin, keys.agent].map((key) => ({ key, description: FIRST, policy: null })),
      );
      await input.deliver(keys);
      return keys;
    });
  }

  /** True when the account is new. */
  async #addAccount(tables: Kysely<AuthTables>, account: string): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tables
      .insertInto('account')
      .values({ account, created_at_millis: this.#deps.clock.now() })
      .onConflict((conflict) => conflict.column('account').doNothing())
      .executeTakeFirstOrThrow();
    return numInsertedOrUpdatedRows === 1n;
  }

  async #insert(tables: Kysely<AuthTables>, made: readonly MadeKey[]): Promise<void> {
    const createdAtMillis = this.#deps.clock.now();
    const rows = made.map(({ key, description, policy }) => ({
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

interface MadeKey {
  readonly key: SigningAccessKey;
  readonly description: string;
  readonly policy: string | null;
}

const FIRST = 'made at the first start';

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
    policy: row.kind === 'custom' ? readPolicy(row.policy) : READY_POLICIES[row.kind],
    createdAtMillis: row.created_at_millis,
  };
}

function policyText(grant: KeyPolicy): string | null {
  return grant.kind === 'custom' ? JSON.stringify(grant.policy) : null;
}

/** What was stored was parsed before; a document of a newer version is refused here. */
function readPolicy(text: string | null): PolicyDocument {
  return parsePolicy(JSON.parse(text ?? 'null'));
}
