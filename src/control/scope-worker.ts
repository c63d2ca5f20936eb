import type { Kysely } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import type { Database } from '../lib/database.ts';
import { errorMessage } from '../lib/error-details.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { Service } from '../lib/service.ts';
import type { ScopeTarget } from '../model/scope.ts';
import type { ControlTables } from './control-tables.ts';
import { readTargets } from './scope-rows.ts';

export interface ScopeWorkerDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Prepares the topology of a scope's targets. If it rejects, the scope FAILED for this reason. */
  readonly buildTopology: (targets: readonly ScopeTarget[], signal: AbortSignal) => Promise<void>;
}

type ScopeRow = Pick<ControlTables['scope'], 'scope_id' | 'targets'>;

/** How often to look for work that another server left, or that failed here. */
const LOOK_AGAIN_MILLIS = 5_000;
const BATCH = 100;

/**
 * Completes the changes that Scopes and Monitors only mark: turns IN_PROGRESS scopes into
 * SUCCEEDED or FAILED, and removes DEACTIVATING scopes and DELETING monitors. Runs at the start and
 * when woken; work that a stop interrupts is done after the next start. Several servers may work
 * at once: each step changes a row only if its status is still the one that was read.
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

  constructor(deps: ScopeWorkerDeps) {
    this.#deps = deps;
    this.#tables = deps.database.withTables<ControlTables>();
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
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
      .select(['scope_id', 'targets'])
      .where('status', '=', 'IN_PROGRESS')
      .orderBy('modified_at_millis')
      .limit(BATCH)
      .execute();
    for (const scope of scopes) {
      if (signal.aborted) return;
      await this.#build(scope, signal);
    }
    if (scopes.length === BATCH) this.wake();
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

  async #build(scope: ScopeRow, signal: AbortSignal): Promise<void> {
    const { scope_id: scopeId, targets } = scope;
    let reason: string | null = null;
    try {
      await this.#deps.buildTopology(readTargets(targets), signal);
    } catch (error) {
      reason = errorMessage(error);
      if (!signal.aborted) this.#deps.log.warn('scope failed', { scopeId, error });
    }
    // An aborted build neither succeeded nor failed; it is repeated after the next start.
    if (signal.aborted) return;
    await this.#tables
      .updateTable('scope')
      .set({
        status: reason === null ? 'SUCCEEDED' : 'FAILED',
        reason,
        modified_at_millis: this.#deps.clock.now(),
      })
      .where('scope_id', '=', scopeId)
      .where('status', '=', 'IN_PROGRESS')
      // If another server finished first and the scope was updated since, the new targets have
      // not been built.
      .where('targets', '=', targets)
      .execute();
  }
}
