import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import { scopeArn } from '../model/arn.ts';
import type { Owner } from '../model/owner.ts';
import type { Scope, ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { createOnce, freeTokens } from './idempotency.ts';
import type { Organization } from './organization.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';
import { ownerKey, scopeKey } from './row-keys.ts';
import { lockScope, readScope, SCOPE_COLUMNS, scopeNotFound } from './scope-rows.ts';
import { changeTags, checkTags, type TagChange, type Tags } from './tags.ts';
import {
  changeTargets,
  checkTargetChange,
  checkTargets,
  type TargetChange,
  type TargetRules,
} from './targets.ts';

export interface ScopesDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** `crypto.randomUUID`. */
  readonly newId: () => string;
  /** Finds the accounts that the owner of a scope may have as targets. */
  readonly organization: Pick<Organization, 'visibleTo'>;
  /** Maximum targets of a scope; default 100, as at AWS. */
  readonly maxTargets?: number | undefined;
  /** Called when ScopeWorker has work: `ScopeWorker.wake`. */
  readonly wake: () => void;
}

export interface CreateScopeRequest {
  readonly targets: readonly ScopeTarget[];
  readonly clientToken?: string | undefined;
  readonly tags: Tags;
}

const DEFAULT_MAX_TARGETS = 100;

/**
 * Scopes: the accounts and Regions whose flows an owner sees; at most one scope per owner. The
 * database's unique keys decide races. ScopeWorker ends the states IN_PROGRESS and DEACTIVATING.
 */
export class Scopes {
  readonly #deps: ScopesDeps;
  readonly #tables: Kysely<ControlTables>;

  constructor(deps: ScopesDeps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<ControlTables>();
  }

  /**
   * Creates a scope, IN_PROGRESS. A repetition with the same token and parameters within 24 h gets
   * the first answer again.
   *
   * @throws ApiError ValidationException, AccessDeniedException (targets of other accounts),
   *   ServiceQuotaExceededException (too many targets), ConflictException (the owner has a scope,
   *   or the token was used with other parameters)
   */
  async create(owner: Owner, request: CreateScopeRequest): Promise<Scope> {
    const targets = checkTargets(owner, request.targets, await this.#rules(owner));
    const tags = checkTags(request.tags);
    const scopeId = this.#deps.newId();
    const scope: Scope = {
      scopeId,
      scopeArn: scopeArn(owner, scopeId),
      status: 'IN_PROGRESS',
      targets,
      tags,
    };
    const call = {
      owner,
      operation: 'CreateScope',
      clientToken: request.clientToken,
      parameters: [targets.map(({ account, region }) => [account, region]), tags],
      resource: scopeId,
      answer: scope,
      nowMillis: this.#deps.clock.now(),
    } as const;
    const answer = await this.#tables
      .transaction()
      .execute((transaction) =>
        createOnce(transaction, call, () => this.#insert(transaction, owner, scope)),
      );
    this.#deps.wake();
    return answer;
  }

  async #rules({ account }: Owner): Promise<TargetRules> {
    const { organization, maxTargets = DEFAULT_MAX_TARGETS } = this.#deps;
    return { visible: await organization.visibleTo(account), maxTargets };
  }

  async #insert(
    transaction: Transaction<ControlTables>,
    owner: Owner,
    scope: Scope,
  ): Promise<void> {
    const now = this.#deps.clock.now();
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('scope')
      .values({
        ...scopeKey(owner, scope.scopeId),
        status: scope.status,
        reason: null,
        targets: JSON.stringify(scope.targets),
        tags: JSON.stringify(scope.tags),
        created_at_millis: now,
        modified_at_millis: now,
      })
      .onConflict((conflict) => conflict.columns(['account', 'region']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) return;
    const existing = await transaction
      .selectFrom('scope')
      .select(['scope_id', 'status'])
      .where((where) => where.and(ownerKey(owner)))
      .executeTakeFirst();
    const which = existing === undefined ? '' : `: ${existing.scope_id} (${existing.status})`;
    throw new ApiError(
      'ConflictException',
      `Account ${owner.account} already has a scope in ${owner.region}${which}`,
    );
  }

  /** @throws ApiError ResourceNotFoundException */
  async get(owner: Owner, scopeId: string): Promise<Scope> {
    const row = await this.#tables
      .selectFrom('scope')
      .select(SCOPE_COLUMNS)
      .where((where) => where.and(scopeKey(owner, scopeId)))
      .executeTakeFirst();
    if (row === undefined) throw scopeNotFound(scopeId);
    return readScope(row);
  }

  /** The owner's scopes, sorted by id; `after` is a scope id. */
  async list(owner: Owner, page: PageRequest): Promise<Page<Scope>> {
    const rows = await this.#tables
      .selectFrom('scope')
      .select(SCOPE_COLUMNS)
      .where((where) => where.and(ownerKey(owner)))
      .where('scope_id', '>', page.after ?? '')
      .orderBy('scope_id')
      .limit(page.limit + 1)
      .execute();
    return pageOf(rows.map(readScope), page.limit, ({ scopeId }) => scopeId);
  }

  /**
   * Adds and removes targets. A changed scope is IN_PROGRESS until ScopeWorker has built its
   * topology. Adding a present target and removing an absent one change nothing; if nothing
   * changes, the status stays.
   *
   * @throws ApiError ResourceNotFoundException, ValidationException (malformed target, target in
   *   both lists, no target left), AccessDeniedException (adds a target of another account),
   *   ServiceQuotaExceededException (too many targets), ConflictException (the scope is being built
   *   or deleted)
   */
  async update(owner: Owner, scopeId: string, change: TargetChange): Promise<Scope> {
    const rules = await this.#rules(owner);
    checkTargetChange(owner, change, rules);
    const scope = await this.#tables.transaction().execute(async (transaction) => {
      const present = await lockScope(transaction, owner, scopeId);
      if (isLocked(present)) throw inProgress(scopeId, 'changed');
      const targets = changeTargets(present.targets, change, rules);
      if (targets === present.targets) return present;
      await transaction
        .updateTable('scope')
        .set({
          status: 'IN_PROGRESS',
          reason: null,
          targets: JSON.stringify(targets),
          modified_at_millis: this.#deps.clock.now(),
        })
        .where('scope_id', '=', scopeId)
        .execute();
      const { reason: _, ...rest } = present;
      return { ...rest, status: 'IN_PROGRESS' as const, targets };
    });
    this.#deps.wake();
    return scope;
  }

  /**
   * Adds or removes tags, also while the scope is IN_PROGRESS.
   *
   * @throws ApiError ResourceNotFoundException, ValidationException (as `checkTags`, for the tags
   *   after the change), ConflictException (the scope is being deleted)
   */
  async changeTags(owner: Owner, scopeId: string, change: TagChange): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { tags } = await lockScope(transaction, owner, scopeId);
      await transaction
        .updateTable('scope')
        .set({ tags: JSON.stringify(changeTags(tags, change)) })
        .where('scope_id', '=', scopeId)
        .execute();
    });
  }

  /**
   * Marks a scope DEACTIVATING; ScopeWorker removes it. Its flows stay. A scope that is
   * DEACTIVATING stays so.
   *
   * @throws ApiError ResourceNotFoundException, ConflictException (the scope is being built or has
   *   monitors)
   */
  async delete(owner: Owner, scopeId: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      // Updates first, which locks the row against a concurrent CreateMonitor.
      const { numUpdatedRows } = await transaction
        .updateTable('scope')
        .set({ status: 'DEACTIVATING', modified_at_millis: this.#deps.clock.now() })
        .where((where) => where.and(scopeKey(owner, scopeId)))
        .where(({ eb, or, and }) =>
          or([
            eb('status', 'in', ['SUCCEEDED', 'FAILED']),
            // A build whose targets did not answer in time does not block the deletion.
            and([eb('status', '=', 'IN_PROGRESS'), eb('reason', 'is not', null)]),
          ]),
        )
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return await refuseUnlessDeactivating(transaction, owner, scopeId);
      await refuseWithMonitors(transaction, scopeId);
      await freeTokens(transaction, {
        owner,
        operations: ['CreateScope'],
        resource: scopeId,
      });
    });
    this.#deps.wake();
  }

  /** Throws ConflictException if the account has a scope in any Region. */
  async refuseScopesOf(account: string): Promise<void> {
    const row = await this.#tables
      .selectFrom('scope')
      .select(['scope_id', 'region'])
      .where('account', '=', account)
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return;
    throw new ApiError(
      'ConflictException',
      `Account ${account} has scope ${row.scope_id} in ${row.region}: delete it first`,
    );
  }
}

async function refuseUnlessDeactivating(
  transaction: Transaction<ControlTables>,
  owner: Owner,
  scopeId: string,
): Promise<void> {
  const row = await transaction
    .selectFrom('scope')
    .select('status')
    .where((where) => where.and(scopeKey(owner, scopeId)))
    .executeTakeFirst();
  if (row === undefined) throw scopeNotFound(scopeId);
  if (row.status === 'DEACTIVATING') return;
  throw inProgress(scopeId, 'deleted');
}

/**
 * Whether a build blocks changes of the scope. A build with a reason does not: it waits for targets
 * that did not answer.
 */
function isLocked({ status, reason }: Scope): boolean {
  return status === 'IN_PROGRESS' && reason === undefined;
}

function inProgress(scopeId: string, participle: 'changed' | 'deleted'): ApiError {
  return new ApiError(
    'ConflictException',
    `Scope ${scopeId} is IN_PROGRESS: it can be ${participle} once it is SUCCEEDED or FAILED`,
  );
}

async function refuseWithMonitors(
  transaction: Transaction<ControlTables>,
  scopeId: string,
): Promise<void> {
  const monitor = await transaction
    .selectFrom('monitor')
    .select('monitor_name')
    .where('scope_id', '=', scopeId)
    .where('status', '<>', 'DELETING')
    .orderBy('monitor_name')
    .limit(1)
    .executeTakeFirst();
  if (monitor === undefined) return;
  throw new ApiError(
    'ConflictException',
    `Scope ${scopeId} has monitors, such as ${monitor.monitor_name}: delete them first`,
  );
}
