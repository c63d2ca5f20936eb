import type { Log } from '../lib/log.ts';
import type { CounterMetric, GaugeMetric, Metrics } from '../lib/metrics.ts';
import { pause } from '../lib/pause.ts';
import type { Service } from '../lib/service.ts';
import type { FlowStore } from './flow-store.ts';

export interface DiskBudgetDeps {
  readonly store: Pick<FlowStore, 'days' | 'dropDay'>;
  /** Bytes on disk the flow rows may take; 0 is no limit. */
  readonly mostBytes: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

const LOOK_MILLIS = 60_000;

/**
 * Keeps the flow rows within a disk budget: while they take more, the oldest whole day goes. The
 * newest day stays, whatever it takes: rows are never dropped as they come in.
 *
 * What the retention deletes needs no code and is in no counter: ClickHouse drops a part by itself
 * once all its rows are past it. It shows as a fall of the gauges here without these counters, and
 * on a server that keeps `system.part_log` as merges of reason `TTLDropMerge`.
 */
export class DiskBudget implements Service {
  readonly name = 'disk budget';
  readonly #deps: DiskBudgetDeps;
  readonly #bytes: GaugeMetric;
  readonly #rows: GaugeMetric;
  readonly #droppedRows: CounterMetric;
  readonly #droppedDays: CounterMetric;
  readonly #stopping = new AbortController();
  #looking: Promise<void> | undefined;

  constructor(deps: DiskBudgetDeps) {
    const { metrics } = deps;
    this.#deps = deps;
    this.#bytes = metrics.gauge({
      name: 'nfm_store_bytes',
      help: 'Bytes the flow rows take on disk',
    });
    this.#rows = metrics.gauge({ name: 'nfm_store_rows', help: 'Flow rows in the store' });
    this.#droppedRows = metrics.counter({
      name: 'nfm_store_budget_dropped_rows_total',
      help: 'Flow rows deleted to keep within the disk budget',
    });
    this.#droppedDays = metrics.counter({
      name: 'nfm_store_budget_dropped_days_total',
      help: 'Days of flow rows deleted to keep within the disk budget',
    });
  }

  start(): Promise<void> {
    this.#looking = this.#look(this.#stopping.signal);
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#looking;
  }

  /** Measures the rows, and deletes the oldest days beyond the budget. */
  async enforce(): Promise<void> {
    const { store, mostBytes, log } = this.#deps;
    const days = await store.days();
    let bytes = days.reduce((sum, day) => sum + day.bytes, 0);
    let rows = days.reduce((sum, day) => sum + day.rows, 0);
    for (const oldest of days.slice(0, -1)) {
      if (mostBytes === 0 || bytes <= mostBytes) break;
      await store.dropDay(oldest);
      bytes -= oldest.bytes;
      rows -= oldest.rows;
      this.#droppedRows.add(oldest.rows);
      this.#droppedDays.add(1);
      log.warn('dropped the oldest day: the rows took more than the disk budget', { ...oldest });
    }
    this.#bytes.set(bytes);
    this.#rows.set(rows);
    if (mostBytes > 0 && bytes > mostBytes) {
      log.warn('the newest day alone takes more than the disk budget', { bytes, mostBytes });
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.enforce();
      } catch (error) {
        this.#deps.log.warn('cannot look at the disk budget', { error });
      }
      await pause(LOOK_MILLIS, signal);
    }
  }
}
