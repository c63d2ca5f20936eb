import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import { scopeArn } from '../model/arn.ts';
import type { Owner } from '../model/owner.ts';
import type { Scope, ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { claimToken, freeTokens } from './idempotency.ts';
import type { Organization } from './organization.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';
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
  /** Which accounts a scope's owner may have as targets beside its own: `Organization`. */
  readonly organization: Pick<Organization, 'visibleTo'>;
  /** Targets of a scope; AWS has 100. */
  readonly maxTargets?: number | undefined;
  /** Told that a scope's status is to be moved on: `ScopeWorker.wake`. */
  readonly wake: () => void;
}

export interface CreateScopeRequest {
  readonly targets: readonly ScopeTarget[];
  readonly clientToken?: string | undefined;
  readonly tags: Tags;
}

const DEFAULT_MAX_TARGETS = 100;

/**
 * Scopes: which accounts' and Regions' flows an account sees; at most one an account and Region. The
 * database's unique keys decide every race. ScopeWorker moves a scope on from IN_PROGRESS and
 * DEACTIVATING.
 */
export class Scopes {
  readonly #deps: ScopesDeps;
  readonly #tables: Kysely<ControlTables>;

  constructor(deps: ScopesDeps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<ControlTables>();
  }

  /**
   * Makes a scope, IN_PROGRESS. Repeated with the same token and parameters within 24 h it answers
   * what it answered first. Throws ValidationException, AccessDeniedException (targets of other
   * accounts), ServiceQuotaExceededException (too many targets), ConflictException (there is a scope
   * already, or the token was used with other parameters).
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
    const { clientToken } = request;
    const answer = await this.#tables.transaction().execute(async (transaction) => {
      const first =
        clientToken === undefined
          ? undefined
          : await claimToken(transaction, {
              owner,
              operation: 'CreateScope',
              clientToken,
              parameters: [targets.map(({ account, region }) => [account, region]), tags],
              resource: scopeId,
              answer: scope,
              nowMillis: this.#deps.clock.now(),
            });
      if (first !== undefined) return readAnswer(first);
      await this.#insert(transaction, owner, scope);
      return scope;
    });
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
        scope_id: scope.scopeId,
        account: owner.account,
        region: owner.region,
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
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .executeTakeFirst();
    const which = existing === undefined ? '' : `: ${existing.scope_id} (${existing.status})`;
    throw new ApiError(
      'ConflictException',
      `Account ${owner.account} already has a scope in ${owner.region}${which}`,
    );
  }

  /** Throws ResourceNotFoundException when the owner has no such scope. */
  async get(owner: Owner, scopeId: string): Promise<Scope> {
    const row = await this.#tables
      .selectFrom('scope')
      .select(SCOPE_COLUMNS)
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('scope_id', '=', scopeId)
      .executeTakeFirst();
    if (row === undefined) throw scopeNotFound(scopeId);
    return readScope(row);
  }

  /** The owner's scopes by id; `after` is a scope id. */
  async list(owner: Owner, page: PageRequest): Promise<Page<Scope>> {
    const rows = await this.#tables
      .selectFrom('scope')
      .select(SCOPE_COLUMNS)
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('scope_id', '>', page.after ?? '')
      .orderBy('scope_id')
      .limit(page.limit + 1)
      .execute();
    return pageOf(rows.map(readScope), page.limit, ({ scopeId }) => scopeId);
  }

  /**
   * Adds and deletes targets: IN_PROGRESS again, until the new topology is there. Adding one that is
   * there and deleting one that is not change nothing, and what changes nothing leaves the status.
   * Throws ResourceNotFoundException, ValidationException (malformed, the same target in both lists,
   * none left), AccessDeniedException (adds another account's), ServiceQuotaExceededException (too
   * many), ConflictException (the scope is IN_PROGRESS or being deleted).
   */
  async update(owner: Owner, scopeId: string, change: TargetChange): Promise<Scope> {
    const rules = await this.#rules(owner);
    checkTargetChange(owner, change, rules);
    const scope = await this.#tables.transaction().execute(async (transaction) => {
      const present = await lockScope(transaction, owner, scopeId);
      if (present.status === 'IN_PROGRESS') throw inProgress(scopeId, 'changed');
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
   * Adds or removes tags, at any status. Throws ResourceNotFoundException, ValidationException (as
   * `checkTags`, also for more than 200 together with those there), ConflictException (the scope is
   * being deleted).
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
   * Begins to delete a scope: DEACTIVATING, then gone; no flow is deleted. Deleting one that is being
   * deleted changes nothing. Throws ResourceNotFoundException, and ConflictException while the scope
   * is IN_PROGRESS or has monitors.
   */
  async delete(owner: Owner, scopeId: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      // The update comes first: it locks the row against a CreateMonitor that runs beside it.
      const { numUpdatedRows } = await transaction
        .updateTable('scope')
        .set({ status: 'DEACTIVATING', modified_at_millis: this.#deps.clock.now() })
        .where('account', '=', owner.account)
        .where('region', '=', owner.region)
        .where('scope_id', '=', scopeId)
        .where('status', 'in', ['SUCCEEDED', 'FAILED'])
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

  /** Throws ConflictException while an account has a scope in any Region. */
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
    .where('account', '=', owner.account)
    .where('region', '=', owner.region)
    .where('scope_id', '=', scopeId)
    .executeTakeFirst();
  if (row === undefined) throw scopeNotFound(scopeId);
  if (row.status === 'DEACTIVATING') return;
  throw inProgress(scopeId, 'deleted');
}

function inProgress(scopeId: string, participle: 'changed' | 'deleted'): ApiError {
  return new ApiError(
    'ConflictException',
    `Scope ${scopeId} is IN_PROGRESS: it can be ${participle} once that is over`,
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

function readAnswer(answer: unknown): Scope {
  return answer as Scope;
}
