import type { Kysely } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { errorMessage } from '../lib/error-details.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { Service } from '../lib/service.ts';
import { LateError, untilAborted, within } from '../lib/within.ts';
import { InconclusiveError } from '../model/inconclusive-error.ts';
import type { ScopeStatus, ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { readTargets } from './scope-rows.ts';

export interface ScopeWorkerDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Prepares the topology of a scope's targets. If it rejects, the scope FAILED for this reason; an
   * InconclusiveError leaves the status as it is, with the reason.
   */
  readonly buildTopology: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
  /** How long a build may take before the scope can be changed again; default 30,000. */
  readonly patienceMillis?: number | undefined;
}

type ScopeRow = Pick<ControlTables['scope'], 'scope_id' | 'targets' | 'status' | 'reason'>;

/** How often to look for work that another server left, or that failed here. */
const LOOK_AGAIN_MILLIS = 5_000;
const PATIENCE_MILLIS = 30_000;
/** How often to build a scope again whose build failed or was inconclusive. */
const RETRY_MILLIS = 60_000;
const BATCH = 1_000;

/**
 * Completes the changes that Scopes and Monitors only mark: turns IN_PROGRESS scopes into SUCCEEDED
 * or FAILED, and removes DEACTIVATING scopes and DELETING monitors. Runs at the start and when
 * woken. Work that `stop` interrupts is completed after the next start. Scopes are built
 * independently, and no build delays a removal. A scope that FAILED, or whose targets did not
 * answer, is built again every minute. Several servers may run workers at once: each step changes a
 * row only if its status is still the one that the worker read.
 */
export class ScopeWorker implements Service {
  readonly name = 'scope worker';
  readonly #deps: ScopeWorkerDeps;
  readonly #tables: Kysely<ControlTables>;
  readonly #loop = new Loop({
    round: (signal) => this.#work(signal),
    everyMillis: LOOK_AGAIN_MILLIS,
    onError: (error) => this.#deps.log.error('cannot complete changes of scopes', { error }),
  });
  /** The running builds by scope and targets. */
  readonly #builds = new Map<string, Promise<void>>();
  /** The running builds that have taken longer than a caller should wait. */
  readonly #late = new Set<string>();
  /** When the last build of a scope and its targets ended, in milliseconds since 1970. */
  readonly #builtMillis = new Map<string, number>();

  constructor(deps: ScopeWorkerDeps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<ControlTables>();
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#builds.values());
  }

  /** Makes the worker look for work now. */
  wake(): void {
    this.#loop.wake();
  }

  async #work(signal: AbortSignal): Promise<void> {
    await this.#tables.deleteFrom('monitor').where('status', '=', 'DELETING').execute();
    await this.#removeScopes();
    const scopes = await this.#tables
      .selectFrom('scope')
      .select(['scope_id', 'targets', 'status', 'reason'])
      .where('status', 'in', ['IN_PROGRESS', 'FAILED'])
      .orderBy('modified_at_millis')
      .limit(BATCH)
      .execute();
    if (signal.aborted) return;
    const keys = new Set(scopes.map(keyOf));
    for (const key of this.#builtMillis.keys()) if (!keys.has(key)) this.#builtMillis.delete(key);
    for (const scope of scopes) {
      if (this.#isDue(scope)) this.#begin(scope, signal);
      // The scope was changed back to targets whose build is late and still running.
      else if (scope.reason === null && this.#late.has(keyOf(scope))) await this.#markLate(scope);
    }
  }

  /** Removes the DEACTIVATING scopes that have no monitors left. */
  async #removeScopes(): Promise<void> {
    await this.#tables
      .deleteFrom('scope')
      .where('status', '=', 'DEACTIVATING')
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('monitor')
              .select('monitor.monitor_name')
              .whereRef('monitor.scope_id', '=', 'scope.scope_id'),
          ),
        ),
      )
      .execute();
  }

  #isDue(scope: ScopeRow): boolean {
    const key = keyOf(scope);
    if (this.#builds.has(key)) return false;
    const builtMillis = this.#builtMillis.get(key);
    // A null reason means that the scope is new, or was changed after its last build.
    if (builtMillis === undefined || scope.reason === null) return true;
    return Math.abs(this.#deps.clock.now() - builtMillis) >= RETRY_MILLIS;
  }

  #begin(scope: ScopeRow, signal: AbortSignal): void {
    const { log, clock } = this.#deps;
    const key = keyOf(scope);
    const build = this.#build(scope, signal)
      .catch((error: unknown) => log.error('cannot complete a scope', { error }))
      .finally(() => {
        this.#builds.delete(key);
        this.#late.delete(key);
        this.#builtMillis.set(key, clock.now());
      });
    this.#builds.set(key, build);
  }

  async #build(scope: ScopeRow, signal: AbortSignal): Promise<void> {
    const { buildTopology, log, patienceMillis: millis = PATIENCE_MILLIS } = this.#deps;
    const { scope_id: scopeId } = scope;
    const building = buildTopology(readTargets(scope.targets), signal);
    try {
      await within(building, { millis, signal }).catch(async (error: unknown) => {
        if (!(error instanceof LateError)) throw error;
        this.#late.add(keyOf(scope));
        if (scope.reason === null) await this.#markLate(scope);
        await untilAborted(building, signal);
      });
      // An aborted build neither succeeded nor failed; it is repeated after the next start.
      if (!signal.aborted) await this.#conclude(scope, 'SUCCEEDED', null);
    } catch (error) {
      if (signal.aborted) return;
      const reason = errorMessage(error);
      if (reason !== scope.reason) log.warn('cannot build a scope', { scopeId, error });
      const status = error instanceof InconclusiveError ? scope.status : 'FAILED';
      await this.#conclude(scope, status, reason);
    }
  }

  /**
   * Stores a reason, which allows changing and deleting the scope while the build is still running.
   */
  async #markLate(scope: ScopeRow): Promise<void> {
    const { patienceMillis: millis = PATIENCE_MILLIS } = this.#deps;
    const reason = `the targets did not answer within ${millis / 1000} s; still reading`;
    await this.#conclude(scope, scope.status, reason);
  }

  async #conclude(scope: ScopeRow, status: ScopeStatus, reason: string | null): Promise<void> {
    if (status === scope.status && reason === scope.reason) return;
    await this.#tables
      .updateTable('scope')
      .set({ status, reason, modified_at_millis: this.#deps.clock.now() })
      .where('scope_id', '=', scope.scope_id)
      .where('status', '=', scope.status)
      // If another server finished first and the scope was updated since, the new targets have
      // not been built.
      .where('targets', '=', scope.targets)
      .execute();
  }
}

function keyOf({ scope_id: scopeId, targets }: ScopeRow): string {
  return `${scopeId} ${targets}`;
}
