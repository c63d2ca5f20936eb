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
  readonly pipeline: FlowPipeline;
  readonly journal: Journal;
  readonly ledger: BatchLedger;
  /** Saves the memory of accepted reports before journal segments are deleted. */
  readonly beforeDelete: () => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Drives the pipeline: prepares the next batch while one is being stored, retries failed inserts
 * until they succeed, so that a store outage delays flows and loses none, and deletes stored
 * journal segments.
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
  /** All records before this position are stored. */
  #stored: JournalPosition = { segment: 0, index: 0, offset: 0 };
  /** The start of the next batch; undefined until the batches of the previous run are finished. */
  #next: JournalPosition | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(deps: FlowWorkerDeps) {
    const { metrics } = deps;
    this.#deps = deps;
    this.#rows = metrics.counter({
      name: 'nfm_flow_rows_stored_total',
      help: 'Flow rows stored durably',
    });
    this.#failures = metrics.counter({
      name: 'nfm_store_failures_total',
      help: 'Failed attempts to prepare or store a batch; each is retried',
    });
    metrics.observedGauge(
      {
        name: 'nfm_journal_waiting_bytes',
        help: 'Bytes of accepted reports that are not stored yet',
      },
      () => deps.journal.bytesFrom(this.#stored),
    );
    metrics.observedGauge(
      {
        name: 'nfm_store_failing_seconds',
        help: 'Seconds since storing began to fail; 0 while it succeeds',
      },
      () =>
        this.#failingSinceMillis === 0 ? 0 : (deps.clock.now() - this.#failingSinceMillis) / 1000,
    );
  }

  /** True when all accepted reports are stored, apart from about one batch. */
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

  /** Finishes the batch that is being stored. Other accepted reports stay in the journal. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#storing;
  }

  /** Prepares a batch, waits for the previous one, and starts to store it. */
  async #storeNext(signal: AbortSignal): Promise<void> {
    this.#next ??= await this.#recover(signal);
    if (this.#next === undefined) return;
    const prepared = await this.#prepare(this.#next, signal);
    if (prepared === undefined) return;
    this.#next = prepared.next;
    await this.#storing;
    this.#storing = this.#store(prepared, signal);
  }

  /**
   * Finishes the batches of the previous run.
   *
   * @returns the position of the next batch; undefined when stopped before
   */
  async #recover(signal: AbortSignal): Promise<JournalPosition | undefined> {
    const { pipeline, journal, ledger } = this.#deps;
    for (const batch of ledger.unfinished()) {
      await this.#untilDone(() => pipeline.finishInterrupted(batch, signal), signal);
    }
    const { segment, index } = ledger.resume;
    let position: JournalPosition | undefined;
    await this.#untilDone(async () => {
      position = await journal.seek(segment, index);
    }, signal);
    if (position !== undefined) this.#stored = position;
    return position;
  }

  /** Prepares the next batch, or waits for an accepted report and returns undefined. */
  async #prepare(
    position: JournalPosition,
    signal: AbortSignal,
  ): Promise<PreparedBatch | undefined> {
    const appended = this.#deps.journal.waitForAppend(signal);
    let prepared: PreparedBatch | undefined;
    await this.#untilDone(async () => {
      prepared = await this.#deps.pipeline.prepare(position);
    }, signal);
    if (prepared === undefined) await appended;
    return prepared;
  }

  async #store(prepared: PreparedBatch, signal: AbortSignal): Promise<void> {
    const { pipeline, ledger, journal, beforeDelete } = this.#deps;
    let isAgain = false;
    const isStored = await this.#untilDone(() => {
      const stored = isAgain
        ? pipeline.storeAgain(prepared, signal)
        : pipeline.store(prepared, signal);
      isAgain = true;
      return stored;
    }, signal);
    if (!isStored) return;
    for (const { flows } of prepared.slices) this.#rows.add(flows.length);
    this.#stored = prepared.next;
    await this.#untilDone(async () => {
      await ledger.finish(prepared.batch);
      const needed = ledger.oldestNeededSegment();
      if ((journal.segments()[0] ?? needed) >= needed) return;
      await beforeDelete();
      await journal.deleteBefore(needed);
    }, signal);
  }

  /** Retries `act` until it succeeds. Returns false when stopped before. */
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
