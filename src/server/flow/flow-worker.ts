import type { BatchLedger } from '../../journal/batch-ledger.ts';
import type { Journal, JournalPosition } from '../../journal/journal.ts';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import { pause } from '../../lib/pause.ts';
import type { Service } from '../../lib/service.ts';
import { BATCH_LIMITS, type FlowPipeline, type PreparedBatch } from './flow-pipeline.ts';

export interface FlowWorkerDeps {
  readonly path: FlowPipeline;
  readonly journal: Journal;
  readonly ledger: BatchLedger;
  /** Makes durable what is to be remembered of segments before they are deleted. */
  readonly beforeDelete: () => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Drives the path: prepares the next batch while one is being stored, tries again for as long as
 * the store refuses (lag, never loss), and deletes journal segments that are wholly stored.
 */
export class FlowWorker implements Service {
  readonly name = 'flow worker';
  readonly #deps: FlowWorkerDeps;
  readonly #loop = new Loop({
    round: (signal) => this.#storeNext(signal),
    everyMillis: 0,
    onError: (error) => this.#onFailure(error),
  });
  readonly #rows: CounterMetric;
  readonly #failures: CounterMetric;
  #failingSinceMillis = 0;
  /** Everything before it is stored. */
  #stored: JournalPosition = { segment: 0, index: 0, offset: 0 };
  /** The start of the next batch; undefined until the batches of the last run are finished. */
  #next: JournalPosition | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(deps: FlowWorkerDeps) {
    const { metrics } = deps;
    this.#deps = deps;
    this.#rows = metrics.counter({
      name: 'nfm_flow_rows_stored_total',
      help: 'Flow rows durable in the store',
    });
    this.#failures = metrics.counter({
      name: 'nfm_store_failures_total',
      help: 'Inserts the store refused; each is tried again',
    });
    metrics.observedGauge(
      {
        name: 'nfm_journal_waiting_bytes',
        help: 'Bytes of accepted reports that are not in the store yet',
      },
      () => deps.journal.bytesFrom(this.#stored),
    );
    metrics.observedGauge(
      {
        name: 'nfm_store_failing_seconds',
        help: 'How long the store has refused inserts, 0 when it does not',
      },
      () =>
        this.#failingSinceMillis === 0 ? 0 : (deps.clock.now() - this.#failingSinceMillis) / 1000,
    );
  }

  /** Whether what was accepted is in the store, but for at most about one batch on its way. */
  get isCaughtUp(): boolean {
    return (
      this.#failingSinceMillis === 0 &&
      this.#deps.journal.bytesFrom(this.#stored) <= BATCH_LIMITS.maxBytes
    );
  }

  start(): Promise<void> {
    this.#loop.start();
    return Promise.resolve();
  }

  /** What is being stored is finished; what is accepted and not stored stays in the journal. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#storing;
  }

  /** Prepares a batch, and hands it over once the batch before it is stored. */
  async #storeNext(signal: AbortSignal): Promise<void> {
    this.#next ??= await this.#recover(signal);
    if (this.#next === undefined) return;
    const prepared = await this.#prepare(this.#next, signal);
    if (prepared === undefined) return;
    this.#next = prepared.next;
    await this.#storing;
    this.#storing = this.#store(prepared, signal);
  }

  /** Finishes the batches of the last run. @returns where to go on; undefined when stopped before */
  async #recover(signal: AbortSignal): Promise<JournalPosition | undefined> {
    const { path, journal, ledger } = this.#deps;
    for (const batch of ledger.unfinished()) {
      await this.#untilDone(() => path.finishInterrupted(batch, signal), signal);
    }
    const { segment, index } = ledger.resume;
    let position: JournalPosition | undefined;
    await this.#untilDone(async () => {
      position = await journal.seek(segment, index);
    }, signal);
    if (position !== undefined) this.#stored = position;
    return position;
  }

  /** Waits for something to be accepted when there is nothing. */
  async #prepare(cursor: JournalPosition, signal: AbortSignal): Promise<PreparedBatch | undefined> {
    const appended = this.#deps.journal.waitForAppend(signal);
    let prepared: PreparedBatch | undefined;
    await this.#untilDone(async () => {
      prepared = await this.#deps.path.prepare(cursor);
    }, signal);
    if (prepared === undefined) await appended;
    return prepared;
  }

  async #store(prepared: PreparedBatch, signal: AbortSignal): Promise<void> {
    const { path, ledger, journal, beforeDelete } = this.#deps;
    let isAgain = false;
    const isStored = await this.#untilDone(() => {
      const stored = isAgain ? path.storeAgain(prepared, signal) : path.store(prepared, signal);
      isAgain = true;
      return stored;
    }, signal);
    if (!isStored) return;
    this.#rows.add(prepared.rows.length);
    this.#stored = prepared.next;
    await this.#untilDone(async () => {
      await ledger.finish(prepared.batch);
      const needed = ledger.oldestNeededSegment();
      if ((journal.segments()[0] ?? needed) >= needed) return;
      await beforeDelete();
      await journal.deleteBefore(needed);
    }, signal);
  }

  /** Tries until it succeeds; false when stopped before. */
  async #untilDone(act: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await act();
        this.#failingSinceMillis = 0;
        return true;
      } catch (error) {
        await pause(this.#onFailure(error, attempt), signal);
        if (signal.aborted) return false;
      }
    }
  }

  /** @returns how long to wait before the next attempt */
  #onFailure(error: unknown, attempt = 1): number {
    const { clock, log, random } = this.#deps;
    this.#failures.add(1);
    if (this.#failingSinceMillis === 0) this.#failingSinceMillis = clock.now();
    const waitMillis = backoffMillis(attempt, { firstMillis: 200, maxMillis: 10_000, random });
    log.error('cannot store flows; trying again', { error, attempt, waitMillis });
    return waitMillis;
  }
}
