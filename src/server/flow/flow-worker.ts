import type { BatchLedger } from '../../journal/batch-ledger.ts';
import type { Journal, JournalPosition } from '../../journal/journal.ts';
import { backoffMillis } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
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
  readonly #stopping = new AbortController();
  readonly #rows: CounterMetric;
  readonly #failures: CounterMetric;
  #running: Promise<void> | undefined;
  #failingSinceMillis = 0;
  /** Everything before it is stored. */
  #stored: JournalPosition = { segment: 0, index: 0, offset: 0 };

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
    this.#running = this.#run(this.#stopping.signal);
    return Promise.resolve();
  }

  /** What is being stored is finished; what is accepted and not stored stays in the journal. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { path, journal, ledger } = this.#deps;
    for (const batch of ledger.unfinished()) {
      await this.#untilDone(() => path.finishInterrupted(batch, signal), signal);
    }
    const { segment, index } = ledger.resume;
    let cursor = journal.cursorAt(segment);
    const isFound = await this.#untilDone(async () => {
      cursor = await journal.seek(segment, index);
    }, signal);
    if (!isFound) return;
    this.#stored = cursor;
    let storing: Promise<void> = Promise.resolve();
    while (!signal.aborted) {
      const prepared = await this.#prepare(cursor, signal);
      if (prepared === undefined) continue;
      cursor = prepared.next;
      await storing;
      storing = this.#store(prepared, signal);
    }
    await storing;
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
    const { clock, log, random } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await act();
        this.#failingSinceMillis = 0;
        return true;
      } catch (error) {
        this.#failures.add(1);
        if (this.#failingSinceMillis === 0) this.#failingSinceMillis = clock.now();
        const wait = backoffMillis(attempt, { firstMillis: 200, maxMillis: 10_000, random });
        log.error('cannot store flows; trying again', { error, attempt, waitMillis: wait });
        await pause(wait, signal);
        if (signal.aborted) return false;
      }
    }
  }
}
