import type { Kysely } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import { LIMITS } from '../model/limits.ts';
import type { IdentityStatus } from '../model/owner.ts';
import type { AuthTables } from './auth-tables.ts';
import { checkAccount } from './generate-access-key.ts';

interface Deps {
  readonly database: Database;
  readonly clock: Clock;
  /** Called when the keys of an account start or stop being valid: `AccessKeys.forgetAccount`. */
  readonly onChange: (account: string) => void;
}

export interface AccountDescription {
  /** 12 digits. */
  readonly account: string;
  readonly status: IdentityStatus;
  readonly description: string;
  readonly createdAtMillis: number;
  /** Number of access keys. */
  readonly accessKeys: number;
}

export interface AccountChange {
  readonly status?: IdentityStatus | undefined;
  readonly description?: string | undefined;
}

export const MAX_ACCOUNTS = LIMITS.accounts.total;

/** The accounts of an installation, in the tables that `AccessKeys.migrate` creates. */
export class Accounts {
  readonly #deps: Deps;
  readonly #tables: Kysely<AuthTables>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<AuthTables>();
  }

  /** All accounts, sorted by account id. */
  async list(): Promise<readonly AccountDescription[]> {
    const rows = await this.#described().orderBy('account').execute();
    return rows.map(describe);
  }

  /** @throws ApiError ResourceNotFoundException */
  async get(account: string): Promise<AccountDescription> {
    const row = await this.#described().where('account', '=', account).executeTakeFirst();
    if (row === undefined) throw notFound(account);
    return describe(row);
  }

  /**
   * @throws ApiError ValidationException (not 12 digits), ConflictException (it exists),
   *   ServiceQuotaExceededException (there are 10,000 accounts)
   */
  async create(account: string, description: string): Promise<AccountDescription> {
    checkAccount(account);
    await this.#tables.transaction().execute(async (transaction) => {
      const { count } = await transaction
        .selectFrom('account')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      if (count >= MAX_ACCOUNTS) {
        const message = `there are already ${MAX_ACCOUNTS} accounts: delete one first`;
        throw new ApiError('ServiceQuotaExceededException', message);
      }
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('account')
        .values({ account, description, created_at_millis: this.#deps.clock.now() })
        .onConflict((conflict) => conflict.column('account').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 1n) return;
      throw new ApiError('ConflictException', `Account ${account} already exists`);
    });
    return await this.get(account);
  }

  /** Creates the accounts that do not exist. */
  async ensure(accounts: readonly string[]): Promise<void> {
    for (const account of accounts) {
      await this.#tables
        .insertInto('account')
        .values({ account, created_at_millis: this.#deps.clock.now() })
        .onConflict((conflict) => conflict.column('account').doNothing())
        .execute();
    }
  }

  /**
   * Changes the given properties. The keys of a DISABLED account are rejected, by other servers
   * within a minute. Throws ResourceNotFoundException.
   */
  async update(account: string, change: AccountChange): Promise<AccountDescription> {
    const { status, description } = change;
    await this.#tables
      .updateTable('account')
      .set({
        // Always sets something, because an empty SET is invalid SQL.
        account,
        ...(status === undefined ? {} : { status }),
        ...(description === undefined ? {} : { description }),
      })
      .where('account', '=', account)
      .execute();
    this.#deps.onChange(account);
    return await this.get(account);
  }

  /** @throws ApiError ResourceNotFoundException, ConflictException if it has access keys */
  async delete(account: string): Promise<void> {
    const { numDeletedRows } = await this.#tables
      .deleteFrom('account')
      .where('account', '=', account)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('access_key')
              .select('access_key_id')
              .where('access_key.account', '=', account),
          ),
        ),
      )
      .executeTakeFirstOrThrow();
    this.#deps.onChange(account);
    if (numDeletedRows > 0n) return;
    const { accessKeys } = await this.get(account);
    throw new ApiError(
      'ConflictException',
      `Account ${account} has ${accessKeys} access keys: delete them first`,
    );
  }

  #described() {
    return this.#tables
      .selectFrom('account')
      .select(({ selectFrom, fn }) => [
        'account',
        'status',
        'description',
        'created_at_millis',
        selectFrom('access_key')
          .select(fn.countAll<number>().as('count'))
          .whereRef('access_key.account', '=', 'account.account')
          .as('access_keys'),
      ]);
  }
}

interface Row {
  readonly account: string;
  readonly status: IdentityStatus;
  readonly description: string;
  readonly created_at_millis: number;
  readonly access_keys: number | null;
}

function describe(row: Row): AccountDescription {
  return {
    account: row.account,
    status: row.status,
    description: row.description,
    createdAtMillis: row.created_at_millis,
    accessKeys: row.access_keys ?? 0,
  };
}

function notFound(account: string): ApiError {
  return new ApiError('ResourceNotFoundException', `Account ${account} does not exist`);
}
