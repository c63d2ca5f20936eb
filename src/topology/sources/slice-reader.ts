import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import type { Resource } from '../graph/resource.ts';
import type { SourceSlice, StatementSink } from '../graph/source-statement.ts';

export interface SliceReaderDeps {
  readonly sink: StatementSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What was read of a slice. */
export interface SliceContent {
  readonly resources: readonly Resource[];
  /** For people: what is wrong with it, though it could be read. */
  readonly warnings: readonly string[];
}

/** More say no more: a status is read by people. */
const MAX_WARNINGS = 50;

/**
 * Takes what every source does after reading in turn: says it, or says that it failed; counts it;
 * and logs when a slice begins or ceases to fail, not each time it does.
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
   * Reads a slice and says it, as of the time the reading began. One cut short by the signal is
   * neither a success nor a failure.
   *
   * @throws Error for people, why it could not be read, after it was told to the sink
   */
  async read(
    slice: SourceSlice,
    read: () => Promise<SliceContent>,
    signal: AbortSignal,
  ): Promise<void> {
    const atSeconds = this.#nowSeconds();
    try {
      const { resources, warnings } = await read();
      const first = limited(warnings);
      await this.#deps.sink.accept({ ...slice, atSeconds, resources, warnings: first });
    } catch (error) {
      if (!signal.aborted) this.fail(slice, error);
      throw error;
    }
    this.#readings.add(1, { source: slice.source, outcome: 'ok' });
    if (this.#failing.delete(keyOf(slice)))
      this.#deps.log.info('topology source reads again', { ...slice });
  }

  /** Says that a slice cannot be read now. */
  fail(slice: SourceSlice, error: unknown): void {
    const { sink, log } = this.#deps;
    const message = error instanceof Error ? error.message : String(error);
    sink.fail({ ...slice, atSeconds: this.#nowSeconds(), message });
    this.#readings.add(1, { source: slice.source, outcome: 'failed' });
    if (this.#failing.has(keyOf(slice))) return;
    this.#failing.add(keyOf(slice));
    log.warn('cannot read a topology source', { ...slice, error });
  }

  /** Says that a slice is read no more. */
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
