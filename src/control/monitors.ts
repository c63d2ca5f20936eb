import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError } from '../model/api-error.ts';
import { monitorArn, scopeArn } from '../model/arn.ts';
import type {
  Monitor,
  MonitorLocalResource,
  MonitorRemoteResource,
  MonitorStatus,
} from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ControlTables } from './control-tables.ts';
import { claimToken, earlierAnswer, freeTokens } from './idempotency.ts';
import { changeParameters, changeResources, type MonitorChange } from './monitor-change.ts';
import { checkLocalResources, checkRemoteResources } from './monitor-resources.ts';
import { lockMonitor, MONITOR_COLUMNS, monitorNotFound, readMonitor } from './monitor-rows.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';
import { changeTags, checkTags, type TagChange, type Tags } from './tags.ts';

export interface MonitorQuotas {
  readonly maxMonitors: number;
  readonly maxLocalResources: number;
  readonly maxRemoteResources: number;
}

/** AWS's own, an account and Region. */
export const DEFAULT_MONITOR_QUOTAS: MonitorQuotas = {
  maxMonitors: 20,
  maxLocalResources: 25,
  maxRemoteResources: 25,
};

export interface MonitorsDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly quotas?: MonitorQuotas | undefined;
  /** Told that a monitor is to be removed: `ScopeWorker.wake`. */
  readonly wake: () => void;
}

export interface CreateMonitorRequest {
  readonly monitorName: string;
  readonly localResources: readonly MonitorLocalResource[];
  /** Empty means every destination. */
  readonly remoteResources: readonly MonitorRemoteResource[];
  readonly scopeArn: string;
  readonly clientToken?: string | undefined;
  readonly tags: Tags;
}

export interface UpdateMonitorRequest extends MonitorChange {
  readonly clientToken?: string | undefined;
}

export interface MonitorPageRequest extends PageRequest {
  readonly status?: MonitorStatus | undefined;
}

interface Change {
  readonly owner: Owner;
  readonly present: Monitor;
  readonly change: MonitorChange;
}

/**
 * Monitors: named sets of local and remote resources whose flows are followed. ACTIVE at once, since
 * flows are matched when they are asked for; a deleted one is DELETING until ScopeWorker removes it.
 */
export class Monitors {
  readonly #deps: MonitorsDeps;
  readonly #quotas: MonitorQuotas;
  readonly #tables: Kysely<ControlTables>;

  constructor(deps: MonitorsDeps) {
    this.#deps = deps;
    this.#quotas = deps.quotas ?? DEFAULT_MONITOR_QUOTAS;
    this.#tables = deps.database.withTables<ControlTables>();
  }

  /**
   * Makes a monitor. Repeated with the same token and parameters within 24 h it answers what it
   * answered first. Throws ValidationException (resources, an unknown scope),
   * ServiceQuotaExceededException, ConflictException (the name is taken, or the token was used with
   * other parameters).
   */
  async create(owner: Owner, request: CreateMonitorRequest): Promise<Monitor> {
    const { monitorName } = request;
    checkName(monitorName);
    const now = this.#deps.clock.now();
    const monitor: Monitor = {
      monitorName,
      monitorArn: monitorArn(owner, monitorName),
      scopeArn: request.scopeArn,
      status: 'ACTIVE',
      localResources: checkLocalResources(owner, request.localResources, this.#quotas),
      remoteResources: checkRemoteResources(owner, request.remoteResources, this.#quotas),
      createdAtMillis: now,
      modifiedAtMillis: now,
      tags: checkTags(request.tags),
    };
    const { clientToken } = request;
    return await this.#tables.transaction().execute(async (transaction) => {
      const first =
        clientToken === undefined
          ? undefined
          : await claimToken(transaction, {
              owner,
              operation: 'CreateMonitor',
              clientToken,
              parameters: parametersOf(monitor),
              resource: monitorName,
              answer: monitor,
              nowMillis: now,
            });
      if (first !== undefined) return readAnswer(first);
      await this.#insert(transaction, owner, monitor);
      return monitor;
    });
  }

  async #insert(
    transaction: Transaction<ControlTables>,
    owner: Owner,
    monitor: Monitor,
  ): Promise<void> {
    const scopeId = await lockScopeOf(transaction, owner, monitor.scopeArn);
    const { numInsertedOrUpdatedRows } = await transaction
      .insertInto('monitor')
      .values({
        account: owner.account,
        region: owner.region,
        monitor_name: monitor.monitorName,
        scope_id: scopeId,
        status: monitor.status,
        local_resources: JSON.stringify(monitor.localResources),
        remote_resources: JSON.stringify(monitor.remoteResources),
        tags: JSON.stringify(monitor.tags),
        created_at_millis: monitor.createdAtMillis,
        modified_at_millis: monitor.modifiedAtMillis,
      })
      .onConflict((conflict) => conflict.columns(['account', 'region', 'monitor_name']).doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows !== 1n) {
      throw new ApiError('ConflictException', `Monitor ${monitor.monitorName} exists already`);
    }
    const { count } = await transaction
      .selectFrom('monitor')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('status', '<>', 'DELETING')
      .executeTakeFirstOrThrow();
    if (count > this.#quotas.maxMonitors) {
      throw new ApiError(
        'ServiceQuotaExceededException',
        `Account ${owner.account} has ${this.#quotas.maxMonitors} monitors in ${owner.region}, which is the most`,
      );
    }
  }

  /** Throws ResourceNotFoundException when the owner has no such monitor. */
  async get(owner: Owner, monitorName: string): Promise<Monitor> {
    const row = await this.#tables
      .selectFrom('monitor')
      .select(MONITOR_COLUMNS)
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('monitor_name', '=', monitorName)
      .executeTakeFirst();
    if (row === undefined) throw monitorNotFound(monitorName);
    return readMonitor(row);
  }

  /** The active monitors of every account and Region. */
  async everyActive(): Promise<{ readonly owner: Owner; readonly monitor: Monitor }[]> {
    const rows = await this.#tables
      .selectFrom('monitor')
      .select(MONITOR_COLUMNS)
      .where('status', '=', 'ACTIVE')
      .orderBy('account')
      .orderBy('region')
      .orderBy('monitor_name')
      .execute();
    return rows.map((row) => ({
      owner: { account: row.account, region: row.region },
      monitor: readMonitor(row),
    }));
  }

  /** The owner's monitors by name, of one status if asked; `after` is a monitor's name. */
  async list(owner: Owner, page: MonitorPageRequest): Promise<Page<Monitor>> {
    let query = this.#tables
      .selectFrom('monitor')
      .select(MONITOR_COLUMNS)
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('monitor_name', '>', page.after ?? '')
      .orderBy('monitor_name')
      .limit(page.limit + 1);
    if (page.status !== undefined) query = query.where('status', '=', page.status);
    const rows = await query.execute();
    return pageOf(rows.map(readMonitor), page.limit, ({ monitorName }) => monitorName);
  }

  /**
   * Adds and removes local and remote resources. Adding one that is there and removing one that is
   * not change nothing, nor the time of modification. Repeated with the same token and parameters
   * within 24 h it answers what it answered first. Throws ResourceNotFoundException,
   * ValidationException (as `create` does, and the same resource in both lists),
   * ServiceQuotaExceededException, ConflictException (the monitor is being deleted, or the token was
   * used with other parameters).
   */
  async update(owner: Owner, monitorName: string, request: UpdateMonitorRequest): Promise<Monitor> {
    const { clientToken, ...change } = request;
    return await this.#tables.transaction().execute(async (transaction) => {
      const present = await lockMonitor(transaction, owner, monitorName);
      const done = () => this.#change(transaction, { owner, present, change });
      if (clientToken === undefined) return await done();
      const call = {
        owner,
        operation: 'UpdateMonitor',
        clientToken,
        parameters: [monitorName, changeParameters(change)],
        nowMillis: this.#deps.clock.now(),
      } as const;
      // What is asked may be impossible by now, though it was done when it was asked first.
      const first = await earlierAnswer(transaction, call);
      if (first !== undefined) return readAnswer(first);
      const answer = await done();
      await claimToken(transaction, { ...call, resource: monitorName, answer });
      return answer;
    });
  }

  async #change(
    transaction: Transaction<ControlTables>,
    { owner, present, change }: Change,
  ): Promise<Monitor> {
    const resources = changeResources(present, change, { owner, quotas: this.#quotas });
    if (resources === undefined) return present;
    const modifiedAtMillis = this.#deps.clock.now();
    await transaction
      .updateTable('monitor')
      .set({
        local_resources: JSON.stringify(resources.localResources),
        remote_resources: JSON.stringify(resources.remoteResources),
        modified_at_millis: modifiedAtMillis,
      })
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('monitor_name', '=', present.monitorName)
      .execute();
    return { ...present, ...resources, modifiedAtMillis };
  }

  /**
   * Adds or removes tags, which is no modification of the monitor. Throws ResourceNotFoundException,
   * ValidationException (as `checkTags`, also for more than 200 together with those there),
   * ConflictException (the monitor is being deleted).
   */
  async changeTags(owner: Owner, monitorName: string, change: TagChange): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { tags } = await lockMonitor(transaction, owner, monitorName);
      await transaction
        .updateTable('monitor')
        .set({ tags: JSON.stringify(changeTags(tags, change)) })
        .where('account', '=', owner.account)
        .where('region', '=', owner.region)
        .where('monitor_name', '=', monitorName)
        .execute();
    });
  }

  /**
   * Begins to delete a monitor: DELETING, then gone. Deleting one that is being deleted changes
   * nothing. Throws ResourceNotFoundException.
   */
  async delete(owner: Owner, monitorName: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('monitor')
        .set({ status: 'DELETING', modified_at_millis: this.#deps.clock.now() })
        .where('account', '=', owner.account)
        .where('region', '=', owner.region)
        .where('monitor_name', '=', monitorName)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw monitorNotFound(monitorName);
      await freeTokens(transaction, {
        owner,
        operations: ['CreateMonitor', 'UpdateMonitor'],
        resource: monitorName,
      });
    });
    this.#deps.wake();
  }
}

/**
 * Finds the monitor's scope and, by an update that changes nothing, locks its row: creations of an
 * owner's monitors and the scope's deletion then run one after the other, on PostgreSQL too.
 */
async function lockScopeOf(
  transaction: Transaction<ControlTables>,
  owner: Owner,
  arn: string,
): Promise<string> {
  const scopeId = arn.slice(arn.lastIndexOf('/') + 1);
  const { numUpdatedRows } = await transaction
    .updateTable('scope')
    .set(({ ref }) => ({ modified_at_millis: ref('modified_at_millis') }))
    .where('account', '=', owner.account)
    .where('region', '=', owner.region)
    .where('scope_id', '=', scopeId)
    .where('status', '<>', 'DEACTIVATING')
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 1n && arn === scopeArn(owner, scopeId)) return scopeId;
  throw new ApiError(
    'ValidationException',
    `scopeArn: there is no scope ${arn} in account ${owner.account} and Region ${owner.region}`,
  );
}

function checkName(monitorName: string): void {
  if (/^[a-zA-Z0-9_.-]{1,255}$/.test(monitorName)) return;
  throw new ApiError(
    'ValidationException',
    'monitorName: 1 to 255 letters, digits, underscores, dots or dashes',
  );
}

/** What two calls with one token must have in common. */
function parametersOf(monitor: Monitor): unknown {
  const pair = ({ type, identifier }: MonitorLocalResource | MonitorRemoteResource) => [
    type,
    identifier,
  ];
  return [
    monitor.monitorName,
    monitor.scopeArn,
    monitor.localResources.map(pair),
    monitor.remoteResources.map(pair),
    monitor.tags,
  ];
}

function readAnswer(answer: unknown): Monitor {
  return answer as Monitor;
}
