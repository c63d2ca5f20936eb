import type { Clock } from '../lib/clock.ts';
import { MILLIS_A_DAY } from '../lib/durations.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, GaugeMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import type { FlowStore, StoredDay } from './flow-store.ts';

export interface DiskBudgetDeps {
  readonly store: Pick<FlowStore, 'days' | 'dropDay'>;
  /** Bytes on disk the flow rows, and what is kept by day beside them, may take; 0 is no limit. */
  readonly maxBytes: number;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const LOOK_MILLIS = 60_000;

type Reason = 'retention' | 'budget';

/**
 * Keeps the flow rows within their retention and a disk budget: days wholly past retention go, and
 * while the rest take more than the budget, the oldest whole day. The newest day stays, whatever
 * it takes: rows are never dropped as they come in. The table's TTL would drop old parts too, but
 * by merges, which are held while the disk is nearly full: just when they are to make room.
 */
export class DiskBudget implements Service {
  readonly name = 'disk budget';
  readonly #deps: DiskBudgetDeps;
  readonly #bytes: GaugeMetric;
  readonly #rows: GaugeMetric;
  readonly #droppedRows: CounterMetric;
  readonly #droppedDays: CounterMetric;
  readonly #loop = new Loop({
    round: () => this.enforce(),
    everyMillis: LOOK_MILLIS,
    onError: (error) => this.#deps.log.warn('cannot look at the disk budget', { error }),
  });

  constructor(deps: DiskBudgetDeps) {
    const { metrics } = deps;
    this.#deps = deps;
    this.#bytes = metrics.gauge({
      name: 'nfm_store_bytes',
      help: 'Bytes the flow rows, and what is kept by day beside them, take on disk',
    });
    this.#rows = metrics.gauge({ name: 'nfm_store_rows', help: 'Flow rows in the store' });
    this.#droppedRows = metrics.counter({
      name: 'nfm_store_dropped_rows_total',
      help: 'Flow rows deleted, by reason: past retention, or to keep within the disk budget',
      labels: ['reason'],
    });
    this.#droppedDays = metrics.counter({
      name: 'nfm_store_dropped_days_total',
      help: 'Days of flow rows deleted, by reason',
      labels: ['reason'],
    });
  }

  start(): Promise<void> {
    this.#loop.start();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Deletes the days past retention and the oldest beyond the budget, and measures the rest. */
  async enforce(): Promise<void> {
    const { store, maxBytes, log } = this.#deps;
    const days: StoredDay[] = [];
    for (const day of await store.days()) {
      if (this.#isPast(day)) await this.#drop(day, 'retention');
      else days.push(day);
    }
    while (maxBytes > 0 && days.length > 1 && sum(days, 'bytes') > maxBytes) {
      await this.#drop(days[0] as StoredDay, 'budget');
      days.shift();
    }
    const bytes = sum(days, 'bytes');
    this.#bytes.set(bytes);
    this.#rows.set(sum(days, 'rows'));
    if (maxBytes > 0 && bytes > maxBytes) {
      log.warn('the newest day alone takes more than the disk budget', { bytes, maxBytes });
    }
  }

  /** Whether the last second of a day is past retention. */
  #isPast({ day }: StoredDay): boolean {
    const { clock, retentionDays } = this.#deps;
    return Date.parse(day) + (retentionDays + 1) * MILLIS_A_DAY <= clock.now();
  }

  async #drop(day: StoredDay, reason: Reason): Promise<void> {
    await this.#deps.store.dropDay(day);
    this.#droppedRows.add(day.rows, { reason });
    this.#droppedDays.add(1, { reason });
    this.#deps.log.warn('dropped a day of flow rows', { ...day, reason });
  }
}

function sum(days: readonly StoredDay[], of: 'bytes' | 'rows'): number {
  return days.reduce((total, day) => total + day[of], 0);
}
