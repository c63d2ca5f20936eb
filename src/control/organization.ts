import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import type { ControlTables } from './control-tables.ts';
import { readTargets } from './scope-rows.ts';

export interface OrganizationDeps {
  readonly database: Database;
  readonly clock: Clock;
}

export interface OrganizationMember {
  readonly account: string;
  readonly isDelegatedAdministrator: boolean;
  readonly joinedAtMillis: number;
}

export interface OrganizationDescription {
  readonly managementAccount: string;
  /** Every member except the management account, sorted by account id. */
  readonly members: readonly OrganizationMember[];
}

/**
 * The organization of this installation, administered by its management account. The management
 * account and the delegated administrators may have other members as targets of their scopes. A
 * member that another account's scope has as a target cannot be removed. When an account stops
 * being a delegated administrator, its scopes lose their targets in other accounts.
 */
export class Organization {
  readonly #clock: Clock;
  readonly #tables: Kysely<ControlTables>;

  constructor({ database, clock }: OrganizationDeps) {
    this.#clock = clock;
    this.#tables = database.withTables<ControlTables>();
  }

  /** Creates the organization and returns true. Returns false and changes nothing if it exists. */
  async ensure(first: {
    readonly managementAccount: string;
    readonly delegatedAdministrators: readonly string[];
  }): Promise<boolean> {
    const now = this.#clock.now();
    const { managementAccount, delegatedAdministrators } = first;
    return await this.#tables.transaction().execute(async (transaction) => {
      const { numInsertedOrUpdatedRows } = await transaction
        .insertInto('organization')
        .values({ only: 1, management_account: managementAccount, created_at_millis: now })
        .onConflict((conflict) => conflict.column('only').doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      for (const account of new Set(delegatedAdministrators)) {
        if (account === managementAccount) continue;
        await transaction
          .insertInto('organization_member')
          .values({ account, is_delegated: 1, joined_at_millis: now })
          .execute();
      }
      return true;
    });
  }

  async describe(): Promise<OrganizationDescription> {
    const { management_account } = await this.#row(this.#tables);
    const rows = await this.#tables
      .selectFrom('organization_member')
      .select(['account', 'is_delegated', 'joined_at_millis'])
      .orderBy('account')
      .execute();
    return {
      managementAccount: management_account,
      members: rows.map((row) => ({
        account: row.account,
        isDelegatedAdministrator: row.is_delegated === 1,
        joinedAtMillis: row.joined_at_millis,
      })),
    };
  }

  async isManagementAccount(account: string): Promise<boolean> {
    return (await this.#row(this.#tables)).management_account === account;
  }

  /**
   * The accounts that an account may have as targets. The management account and delegated
   * administrators may have all members; undefined for others, which may have only their own.
   */
  async visibleTo(account: string): Promise<ReadonlySet<string> | undefined> {
    const { managementAccount, members } = await this.describe();
    const isDelegated = members.some(
      (member) => member.account === account && member.isDelegatedAdministrator,
    );
    if (account !== managementAccount && !isDelegated) return undefined;
    return new Set([managementAccount, ...members.map((member) => member.account)]);
  }

  /** Adds a member. Throws ConflictException if the account is already in the organization. */
  async add(account: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { management_account } = await this.#row(transaction);
      const { numInsertedOrUpdatedRows } =
        management_account === account
          ? { numInsertedOrUpdatedRows: 0n }
          : await transaction
              .insertInto('organization_member')
              .values({ account, is_delegated: 0, joined_at_millis: this.#clock.now() })
              .onConflict((conflict) => conflict.column('account').doNothing())
              .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 1n) return;
      throw conflict(`Account ${account} is already in the organization`);
    });
  }

  /**
   * Removes a member. Its scopes lose their targets in other accounts.
   *
   * @throws ApiError ResourceNotFoundException (not a member), ConflictException (another account's
   *   scope has it as a target)
   */
  async remove(account: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      await this.#lockMember(transaction, account);
      await refuseIfTargeted(transaction, account);
      await this.#removeForeignTargets(transaction, account);
      await transaction.deleteFrom('organization_member').where('account', '=', account).execute();
    });
  }

  /**
   * Makes a member a delegated administrator, or an ordinary member again. The scopes of an ordinary
   * member lose their targets in other accounts.
   *
   * @throws ApiError ResourceNotFoundException (not a member)
   */
  async setDelegated(account: string, isDelegated: boolean): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      await this.#lockMember(transaction, account);
      if (!isDelegated) await this.#removeForeignTargets(transaction, account);
      await transaction
        .updateTable('organization_member')
        .set({ is_delegated: isDelegated ? 1 : 0 })
        .where('account', '=', account)
        .execute();
    });
  }

  /**
   * Makes a member the management account. The former one becomes a delegated administrator, so
   * its scopes keep their targets.
   *
   * @throws ApiError ResourceNotFoundException (not a member)
   */
  async setManagementAccount(account: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { management_account } = await this.#row(transaction);
      if (management_account === account) return;
      await this.#lockMember(transaction, account);
      await transaction.updateTable('organization').set({ management_account: account }).execute();
      await transaction
        .updateTable('organization_member')
        .set({ account: management_account, is_delegated: 1, joined_at_millis: this.#clock.now() })
        .where('account', '=', account)
        .execute();
    });
  }

  /** Throws ConflictException if the account is in the organization. */
  async refuseInOrganization(account: string): Promise<void> {
    const { managementAccount, members } = await this.describe();
    if (account !== managementAccount && !members.some((one) => one.account === account)) return;
    throw conflict(`Account ${account} is in the organization: remove it from there first`);
  }

  /**
   * Removes the targets in other accounts from an account's scopes. A scope without another target
   * gets that of its own account and Region. The scopes are built again.
   */
  async #removeForeignTargets(
    transaction: Transaction<ControlTables>,
    account: string,
  ): Promise<void> {
    const rows = await transaction
      .selectFrom('scope')
      .select(['scope_id', 'region', 'targets'])
      .where('account', '=', account)
      .where('status', '<>', 'DEACTIVATING')
      .execute();
    for (const { scope_id, region, targets } of rows) {
      const all = readTargets(targets);
      const own = all.filter((target) => target.account === account);
      if (own.length === all.length) continue;
      const left = own.length === 0 ? [{ account, region }] : own;
      await transaction
        .updateTable('scope')
        .set({
          targets: JSON.stringify(left),
          status: 'IN_PROGRESS',
          reason: null,
          modified_at_millis: this.#clock.now(),
        })
        .where('scope_id', '=', scope_id)
        .where('account', '=', account)
        .execute();
    }
  }

  async #row(tables: Kysely<ControlTables>): Promise<{ readonly management_account: string }> {
    return await tables
      .selectFrom('organization')
      .select('management_account')
      .executeTakeFirstOrThrow();
  }

  /** Locks the row of a member. Throws ResourceNotFoundException. */
  async #lockMember(transaction: Transaction<ControlTables>, account: string): Promise<void> {
    // An update that changes nothing locks the row on PostgreSQL, too.
    const { numUpdatedRows } = await transaction
      .updateTable('organization_member')
      .set({ account })
      .where('account', '=', account)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 1n) return;
    const message = `Account ${account} is not a member of the organization`;
    throw new ApiError('ResourceNotFoundException', message);
  }
}

/** Throws ConflictException that names the first scope of another account with such a target. */
async function refuseIfTargeted(
  transaction: Transaction<ControlTables>,
  member: string,
): Promise<void> {
  const rows = await transaction
    .selectFrom('scope')
    .select(['scope_id', 'account', 'region', 'targets'])
    .where('status', '<>', 'DEACTIVATING')
    .where('account', '<>', member)
    .orderBy('scope_id')
    .execute();
  for (const { scope_id, account, region, targets } of rows) {
    const target = readTargets(targets).find((one) => one.account === member);
    if (target === undefined) continue;
    throw conflict(
      `Scope ${scope_id} of account ${account} in ${region} has account ${target.account} as a target: remove that target first`,
    );
  }
}

function conflict(message: string): ApiError {
  return new ApiError('ConflictException', message);
}
