import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { ApiError, invalid } from '../model/api-error.ts';
import { monitorArn, scopeArn } from '../model/arn.ts';
import type {
  Monitor,
  MonitorLocalResource,
  MonitorRemoteResource,
  MonitorStatus,
} from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ControlTables } from './control-tables.ts';
import { changeOnce, createOnce, freeTokens } from './idempotency.ts';
import { changeParameters, changeResources, type MonitorChange } from './monitor-change.ts';
import { checkLocalResources, checkRemoteResources } from './monitor-resources.ts';
import { lockMonitor, MONITOR_COLUMNS, monitorNotFound, readMonitor } from './monitor-rows.ts';
import { type Page, type PageRequest, pageOf } from './page.ts';
import { monitorKey, ownerKey, scopeKey } from './row-keys.ts';
import { changeTags, checkTags, type TagChange, type Tags } from './tags.ts';

export interface MonitorQuotas {
  readonly maxMonitors: number;
  readonly maxLocalResources: number;
  readonly maxRemoteResources: number;
}

/** AWS's quotas per account and Region. */
export const DEFAULT_MONITOR_QUOTAS: MonitorQuotas = {
  maxMonitors: 20,
  maxLocalResources: 25,
  maxRemoteResources: 25,
};

export interface MonitorsDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly quotas?: MonitorQuotas | undefined;
  /** Called when a monitor is to be removed: `ScopeWorker.wake`. */
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
 * Monitors: named sets of local and remote resources. A new monitor is ACTIVE at once, because
 * flows are matched at query time. A deleted one is DELETING until ScopeWorker removes it.
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
   * Creates a monitor. A repetition with the same token and parameters within 24 h gets the first
   * answer again.
   *
   * @throws ApiError ValidationException (resources, an unknown scope),
   *   ServiceQuotaExceededException, ConflictException (the name exists, or the token was used with
   *   other parameters)
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
    const call = {
      owner,
      operation: 'CreateMonitor',
      clientToken: request.clientToken,
      parameters: parametersOf(monitor),
      resource: monitorName,
      answer: monitor,
      nowMillis: now,
    } as const;
    return await this.#tables
      .transaction()
      .execute((transaction) =>
        createOnce(transaction, call, () => this.#insert(transaction, owner, monitor)),
      );
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
        ...monitorKey(owner, monitor.monitorName),
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
      throw new ApiError('ConflictException', `Monitor ${monitor.monitorName} already exists`);
    }
    const { count } = await transaction
      .selectFrom('monitor')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where((where) => where.and(ownerKey(owner)))
      .where('status', '<>', 'DELETING')
      .executeTakeFirstOrThrow();
    if (count > this.#quotas.maxMonitors) {
      throw new ApiError(
        'ServiceQuotaExceededException',
        `Account ${owner.account} already has ${this.#quotas.maxMonitors} monitors in ${owner.region}, the maximum`,
      );
    }
  }

  /** @throws ApiError ResourceNotFoundException */
  async get(owner: Owner, monitorName: string): Promise<Monitor> {
    const row = await this.#tables
      .selectFrom('monitor')
      .select(MONITOR_COLUMNS)
      .where((where) => where.and(monitorKey(owner, monitorName)))
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

  /** The owner's monitors, sorted by name, optionally of one status; `after` is a monitor name. */
  async list(owner: Owner, page: MonitorPageRequest): Promise<Page<Monitor>> {
    let query = this.#tables
      .selectFrom('monitor')
      .select(MONITOR_COLUMNS)
      .where((where) => where.and(ownerKey(owner)))
      .where('monitor_name', '>', page.after ?? '')
      .orderBy('monitor_name')
      .limit(page.limit + 1);
    if (page.status !== undefined) query = query.where('status', '=', page.status);
    const rows = await query.execute();
    return pageOf(rows.map(readMonitor), page.limit, ({ monitorName }) => monitorName);
  }

  /**
   * Adds and removes local and remote resources. Adding a present resource and removing an absent
   * one change nothing, not even the time of modification. A repetition with the same token and
   * parameters within 24 h gets the first answer again.
   *
   * @throws ApiError ResourceNotFoundException, ValidationException (as `create`, and the same
   *   resource in both lists), ServiceQuotaExceededException, ConflictException (the monitor is
   *   being deleted, or the token was used with other parameters)
   */
  async update(owner: Owner, monitorName: string, request: UpdateMonitorRequest): Promise<Monitor> {
    const { clientToken, ...change } = request;
    return await this.#tables.transaction().execute(async (transaction) => {
      const present = await lockMonitor(transaction, owner, monitorName);
      const call = {
        owner,
        operation: 'UpdateMonitor',
        clientToken,
        parameters: [monitorName, changeParameters(change)],
        resource: monitorName,
        nowMillis: this.#deps.clock.now(),
      } as const;
      return await changeOnce(transaction, call, () =>
        this.#change(transaction, { owner, present, change }),
      );
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
      .where((where) => where.and(monitorKey(owner, present.monitorName)))
      .execute();
    return { ...present, ...resources, modifiedAtMillis };
  }

  /**
   * Adds or removes tags. The time of modification stays.
   *
   * @throws ApiError ResourceNotFoundException, ValidationException (as `checkTags`, for the tags
   *   after the change), ConflictException (the monitor is being deleted)
   */
  async changeTags(owner: Owner, monitorName: string, change: TagChange): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { tags } = await lockMonitor(transaction, owner, monitorName);
      await transaction
        .updateTable('monitor')
        .set({ tags: JSON.stringify(changeTags(tags, change)) })
        .where((where) => where.and(monitorKey(owner, monitorName)))
        .execute();
    });
  }

  /**
   * Marks a monitor DELETING; ScopeWorker removes it. A monitor that is DELETING stays so.
   *
   * @throws ApiError ResourceNotFoundException
   */
  async delete(owner: Owner, monitorName: string): Promise<void> {
    await this.#tables.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await transaction
        .updateTable('monitor')
        .set({ status: 'DELETING', modified_at_millis: this.#deps.clock.now() })
        .where((where) => where.and(monitorKey(owner, monitorName)))
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
 * Finds the scope of a new monitor. Locks its row by an update that changes nothing: creations of
 * an owner's monitors and the deletion of the scope then run one after the other, on PostgreSQL too.
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
    .where((where) => where.and(scopeKey(owner, scopeId)))
    .where('status', '<>', 'DEACTIVATING')
    .executeTakeFirstOrThrow();
  // Earlier versions wrote `arn:aws:` in every Region.
  const own = scopeArn(owner, scopeId);
  const isOwn = arn === own || arn === own.replace(/^arn:[a-z-]+:/, 'arn:aws:');
  if (numUpdatedRows === 1n && isOwn) return scopeId;
  throw invalid(`scopeArn: account ${owner.account} has no scope ${arn} in Region ${owner.region}`);
}

function checkName(monitorName: string): void {
  if (/^[a-zA-Z0-9_.-]{1,255}$/.test(monitorName)) return;
  throw invalid('monitorName must have 1 to 255 letters, digits, underscores, dots or dashes');
}

/** The parameters that repetitions of a call with one token must share. */
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
