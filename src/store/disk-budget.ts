import type { Clock } from '../lib/clock.ts';
import { MILLIS_A_DAY } from '../lib/durations.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, GaugeMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import type { FlowStore, StoredDay } from './flow-store.ts';

export interface DiskBudgetDeps {
  readonly store: Pick<FlowStore, 'days' | 'dropDay' | 'dropExpired'>;
  /** Limit in bytes on disk of all tables with a partition per day; 0 means no limit. */
  readonly maxBytes: number;
  readonly retentionDays: number;
  /** The time by which rows are old, see `AgeClock`. */
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const LOOK_MILLIS = 60_000;

type Reason = 'retention' | 'budget';

/**
 * Keeps the stored days within the retention and the disk budget. Drops the days that are entirely
 * past the retention, then the oldest days while the rest exceed the budget. The budget never drops
 * the newest day, which still receives rows. The tables have no TTL, because ClickHouse would delete
 * by a clock that may be wrong.
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
    onError: (error) => this.#deps.log.warn('cannot enforce the disk budget', { error }),
  });

  constructor(deps: DiskBudgetDeps) {
    const { metrics } = deps;
    this.#deps = deps;
    this.#bytes = metrics.gauge({
      name: 'nfm_store_bytes',
      help: 'Bytes on disk of all tables with a partition per day: flow rows, host counters and health inputs',
    });
    this.#rows = metrics.gauge({ name: 'nfm_store_rows', help: 'Flow rows in the store' });
    this.#droppedRows = metrics.counter({
      name: 'nfm_store_dropped_rows_total',
      help: 'Deleted flow rows, by reason: retention or disk budget',
      labels: ['reason'],
    });
    this.#droppedDays = metrics.counter({
      name: 'nfm_store_dropped_days_total',
      help: 'Deleted days of flow rows, by reason',
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

  /** Drops days past the retention or beyond the budget, and updates the gauges. */
  async enforce(): Promise<void> {
    const { store, maxBytes, log } = this.#deps;
    await store.dropExpired(this.#deps.clock.now());
    const days: StoredDay[] = [];
    for (const day of await store.days()) {
      if (this.#isPast(day)) await this.#drop(day, 'retention');
      else days.push(day);
    }
    while (maxBytes > 0 && days.length > 1 && sum(days, 'bytes') > maxBytes) {
      const [oldest] = days.splice(0, 1);
      if (oldest !== undefined) await this.#drop(oldest, 'budget');
    }
    const bytes = sum(days, 'bytes');
    this.#bytes.set(bytes);
    this.#rows.set(sum(days, 'rows'));
    if (maxBytes > 0 && bytes > maxBytes) {
      log.warn('the newest day alone takes more than the disk budget', { bytes, maxBytes });
    }
  }

  /** Returns true when the last second of the day is past the retention. */
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
