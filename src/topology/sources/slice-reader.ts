import type { Clock } from '../../lib/clock.ts';
import { errorMessage } from '../../lib/error-details.ts';
import type { Log } from '../../lib/log.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import { within } from '../../lib/within.ts';
import type { Resource, ResourceKind } from '../graph/resource.ts';
import type { SourceSlice, StatementSink } from '../graph/source-statement.ts';

export interface SliceReaderDeps {
  readonly sink: StatementSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The result of reading a slice. */
export interface SliceContent {
  readonly resources: readonly Resource[];
  /** Faults that did not prevent the reading; for people. */
  readonly warnings: readonly string[];
  /** Kinds that could not be read, so that their last resources stay in force. */
  readonly unreadKinds?: readonly ResourceKind[] | undefined;
}

/** A source has shorter deadlines of its own; this one also ends a file that cannot be read. */
const READING_MILLIS = 1_800_000;
/** Further warnings are only counted, because people read the status. */
const MAX_WARNINGS = 50;

/**
 * Does what every source needs around a reading: passes the statement or the failure to the sink,
 * counts it, and logs the first failure and the first success after it.
 */
export class SliceReader {
  readonly #deps: SliceReaderDeps;
  readonly #readings: CounterMetric;
  readonly #failing = new Set<string>();

  constructor(deps: SliceReaderDeps) {
    this.#deps = deps;
    this.#readings = deps.metrics.counter({
      name: 'nfm_topology_source_readings_total',
      help: 'Readings of slices of topology sources, by source and outcome',
      labels: ['source', 'outcome'],
    });
  }

  /**
   * Reads a slice and passes it to the sink, as of the time when the reading began. An aborted
   * reading is neither a success nor a failure.
   *
   * @throws Error with a message for people, after the sink has received the failure
   */
  async read(
    slice: SourceSlice,
    read: () => Promise<SliceContent>,
    signal: AbortSignal,
  ): Promise<void> {
    const atSeconds = this.#nowSeconds();
    try {
      const { resources, warnings, unreadKinds } = await within(read(), {
        millis: READING_MILLIS,
        signal,
      });
      const first = limited(warnings);
      const statement = { ...slice, atSeconds, resources, warnings: first, unreadKinds };
      await this.#deps.sink.accept(statement);
    } catch (error) {
      if (!signal.aborted) this.fail(slice, error);
      throw error;
    }
    this.#readings.add(1, { source: slice.source, outcome: 'ok' });
    if (this.#failing.delete(keyOf(slice)))
      this.#deps.log.info('reads a topology source again', { ...slice });
  }

  /** Reports that a slice cannot be read now. */
  fail(slice: SourceSlice, error: unknown): void {
    const { sink, log } = this.#deps;
    const message = errorMessage(error);
    sink.fail({ ...slice, atSeconds: this.#nowSeconds(), message });
    this.#readings.add(1, { source: slice.source, outcome: 'failed' });
    if (this.#failing.has(keyOf(slice))) return;
    this.#failing.add(keyOf(slice));
    log.warn('cannot read a topology source', { ...slice, error });
  }

  /** Ends a slice that is no longer read. */
  async withdraw(slice: SourceSlice): Promise<void> {
    await this.#deps.sink.withdraw(slice, this.#nowSeconds());
    this.#failing.delete(keyOf(slice));
  }

  #nowSeconds(): number {
    return Math.floor(this.#deps.clock.now() / 1000);
  }
}

function limited(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MAX_WARNINGS) return warnings;
  return [...warnings.slice(0, MAX_WARNINGS), `and ${warnings.length - MAX_WARNINGS} more`];
}

function keyOf({ source, slice }: SourceSlice): string {
  return `${source} ${slice}`;
}
