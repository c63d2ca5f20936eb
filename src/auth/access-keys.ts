import type { Kysely, Selectable } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import { type Database, runMigrations } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';
import type { IdentityStatus, KeyKind } from '../model/owner.ts';
import { AUTH_MIGRATIONS, type AuthTables } from './auth-tables.ts';
import type { KeySource, SigningAccessKey } from './authenticator.ts';
import { BUILT_IN_POLICIES, CompiledPolicy } from './compiled-policy.ts';
import { generateAccessKey } from './generate-access-key.ts';
import { KeyCache, type KeyRow } from './key-cache.ts';
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

/** Four refreshes per minute: three can fail before a cached key is a minute old. */
export const REFRESH_MILLIS = 15_000;
export const MAX_KEYS_PER_ACCOUNT = LIMITS.accessKeys.perAccount;

/**
 * Accounts and their access keys in the control database, behind a cache. `KeyRefresh` calls
 * `refresh` every `REFRESH_MILLIS`.
 */
export class AccessKeys implements KeySource {
  readonly #deps: Deps;
  readonly #tables: Kysely<AuthTables>;
  readonly #cache: KeyCache;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<AuthTables>();
    this.#cache = new KeyCache({
      clock: deps.clock,
      readRows: (ids) => this.#enabledRows(ids),
      open: (row) => this.#open(row),
    });
  }

  /** Creates or updates the tables. */
  async migrate(): Promise<void> {
    await runMigrations(this.#deps.database, 'auth', AUTH_MIGRATIONS);
  }

  /** Finds an enabled key of an enabled account, usually in the cache; see `KeyCache.find`. */
  find(accessKeyId: string): Promise<SigningAccessKey | undefined> {
    return this.#cache.find(accessKeyId);
  }

  /** Rereads the cached keys; see `KeyCache.refresh`. */
  refresh(): Promise<void> {
    return this.#cache.refresh();
  }

  #enabledRows(ids: readonly string[]): Promise<KeyRow[]> {
    return this.#tables
      .selectFrom('access_key')
      .innerJoin('account', 'account.account', 'access_key.account')
      .select(['access_key_id', 'access_key.account', 'kind', 'sealed_secret', 'policy'])
      .where('access_key_id', 'in', ids)
      .where('access_key.status', '=', 'ENABLED')
      .where('account.status', '=', 'ENABLED')
      .execute();
  }

  #open({ access_key_id: accessKeyId, account, kind, sealed_secret, policy }: KeyRow) {
    const secretAccessKey = this.#deps.secrets.open(accessKeyId, sealed_secret);
    const key: SigningAccessKey = { accessKeyId, secretAccessKey, account, kind };
    if (policy === null) return key;
    return { ...key, permissions: new CompiledPolicy(readPolicy(policy)) };
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
    this.#cache.forget(key.accessKeyId);
    return key;
  }

  /** All keys of an account, sorted by key id. */
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
    this.#cache.forget(accessKeyId);
    return changed.numUpdatedRows > 0n;
  }

  /** Drops the cached keys of an account. Call it when the account's status changes. */
  forgetAccount(account: string): void {
    this.#cache.forgetAccount(account);
  }

  /** Deletes a key. Returns false if the account has no such key. */
  async delete(account: string, accessKeyId: string): Promise<boolean> {
    const deleted = await this.#tables
      .deleteFrom('access_key')
      .where('account', '=', account)
      .where('access_key_id', '=', accessKeyId)
      .executeTakeFirst();
    this.#cache.forget(accessKeyId);
    return deleted.numDeletedRows > 0n;
  }

  /**
   * At the very first start, creates the account with an admin and an agent key. `deliver` hands
   * them to their owner before they are committed, so a stored key has always been delivered. Later
   * starts return undefined after checking that the stored secrets can be decrypted.
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

/**
 * Parses a stored document again. Rejects it if a newer version stored elements that this version
 * does not evaluate.
 */
function readPolicy(text: string | null): PolicyDocument {
  return parsePolicy(JSON.parse(text ?? 'null'));
}
