import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import type { HealthExplanation } from '../model/health.ts';
import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ConstructsOf, GroupsOf } from './constructs/flow-constructs.ts';
import { MAX_MONITORS } from './health-window.ts';
import type { Parameters } from './parameters.ts';
import { NOTHING_DETECTED } from './search/detect.ts';
import type { HealthStore } from './storage/health-store.ts';
import type { HealthTables } from './storage/health-tables.ts';
import { WindowJudge } from './storage/input-collector.ts';
import { WindowReader } from './storage/window-reader.ts';
import { updateIncidents } from './verdict/incidents.ts';

export interface OwnedMonitor {
  readonly owner: Owner;
  readonly monitor: Monitor;
}

export interface HealthServiceDeps {
  readonly store: HealthStore;
  readonly tables: HealthTables;
  /** Every active monitor, of every account and Region. */
  readonly monitors: () => Promise<readonly OwnedMonitor[]>;
  readonly constructsOf: ConstructsOf;
  readonly groupsOf: GroupsOf;
  /** Whether all accepted reports are in the store. */
  readonly isCaughtUp: () => boolean;
  /** Whether the store can write: what is judged is written down first. */
  readonly hasRoom: () => boolean;
  readonly parameters: Parameters;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly options: HealthOptions;
}

export interface HealthOptions {
  /** A divisor of 60. */
  readonly windowSeconds: number;
  readonly retentionSeconds: number;
}

/** Of an owner's next window: judged, by us or another server; waiting for the store; or not over yet. */
type Outcome = 'judged' | 'waiting' | 'not due';

/** Reports take this long to come in: an agent's, sent at the window's end, over its retries. */
const MAX_LAG_SECONDS = 10;
/** A window is judged by then with what there is, though the store lags behind. */
const LATEST_SECONDS = 120;
/** A minute's numbers do not change any more so long after its end. */
const FINAL_SECONDS = 120;
/** After a longer stop the windows in between are left out: nobody waits for them. */
const MAX_CATCH_UP_SECONDS = 3_600;
const MAX_LOOK_MILLIS = 1_000;
const EXPIRE_SECONDS = 600;
/** Hosts of so many windows back are expected to report. */
const EXPECTED_WINDOWS = 10;

/**
 * Judges every account and Region window by window, each once and in order, a few seconds after its
 * end: verdict, incidents and what detectors remember are one transaction, and only then is the
 * window learned from.
 */
export class HealthService implements Service {
  readonly name = 'health';
  readonly #deps: HealthServiceDeps;
  readonly #reader: WindowReader;
  readonly #judge: WindowJudge;
  readonly #loop: Loop;
  readonly #windows: CounterMetric;
  readonly #failures: CounterMetric;
  readonly #seconds: HistogramMetric;
  readonly #behind: GaugeMetric;
  /** Every window that ended by then is judged: who has flows is not asked again before the next ends. */
  #judgedSeconds = 0;
  #expiredSeconds = 0;

  constructor(deps: HealthServiceDeps) {
    const { store, constructsOf, groupsOf, parameters, newId, options, metrics } = deps;
    this.#deps = deps;
    this.#loop = new Loop({
      round: (signal) => this.judgeDue(signal),
      everyMillis: Math.min(MAX_LOOK_MILLIS, (options.windowSeconds * 1000) / 4),
      onError: (error) => this.#onFailure(error),
    });
    const { retentionSeconds } = options;
    this.#reader = new WindowReader(store, { parameters, retentionSeconds });
    this.#judge = new WindowJudge({
      reader: this.#reader,
      constructsOf,
      groupsOf,
      newId,
      parameters,
    });
    this.#windows = metrics.counter({
      name: 'nfm_health_windows_total',
      help: 'Windows judged, of every account and Region',
    });
    this.#failures = metrics.counter({
      name: 'nfm_health_failures_total',
      help: 'Windows that could not be judged; each is tried again',
    });
    this.#seconds = metrics.histogram({
      name: 'nfm_health_window_seconds',
      help: 'How long judging one window took',
      buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    });
    this.#behind = metrics.gauge({
      name: 'nfm_health_behind_seconds',
      help: 'Age of the end of the window judged last',
    });
  }

  async start(): Promise<void> {
    await this.#deps.tables.start();
    await this.#reader.start();
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #onFailure(error: unknown): void {
    this.#failures.add(1);
    this.#deps.log.error('cannot judge a window; trying again', { error });
  }

  /**
   * What was said of a monitor at a time, computed again from what it was judged by: the same, as
   * long as the parameters are. Undefined when nothing was searched for, or it is kept no more.
   */
  async judgeAgain(
    owner: Owner,
    monitorName: string,
    atSeconds: number,
  ): Promise<HealthExplanation | undefined> {
    const said = await this.#deps.tables.explanationAt(owner, monitorName, atSeconds);
    if (said?.inputsId === undefined) return undefined;
    const startSeconds = Date.parse(said.start) / 1000;
    const kept = { inputsId: said.inputsId, startSeconds };
    const again = await this.#judge.judgeAgain(owner, kept);
    return again?.monitors.find((one) => one.monitorName === monitorName)?.explanation;
  }

  /** Judges every window that is due, the oldest first; none while the disk is low. */
  async judgeDue(signal: AbortSignal): Promise<void> {
    const { clock, options, hasRoom } = this.#deps;
    if (!hasRoom()) return;
    const nowSeconds = clock.now() / 1000;
    const dueSeconds = alignDown(nowSeconds - lagSeconds(options), options.windowSeconds);
    if (dueSeconds === this.#judgedSeconds) return;
    const owned = await this.#deps.monitors();
    const owners = new Map(owned.map(({ owner }) => [ownerKey(owner), owner]));
    const recent = Math.max(0, Math.floor(nowSeconds) - MAX_CATCH_UP_SECONDS);
    for (const owner of await this.#reader.owners(recent, Math.ceil(nowSeconds) + 60)) {
      owners.set(ownerKey(owner), owner);
    }
    let isWaiting = false;
    for (const [key, owner] of owners) {
      const monitors = owned
        .filter((each) => ownerKey(each.owner) === key && each.monitor.status === 'ACTIVE')
        .map(({ monitor }) => monitor)
        .slice(0, MAX_MONITORS);
      let outcome: Outcome = 'judged';
      // One after the other: each needs what the one before has left.
      while (!signal.aborted && outcome === 'judged') {
        outcome = await this.#judgeNext(owner, monitors);
      }
      isWaiting ||= outcome !== 'not due';
    }
    if (!isWaiting) this.#judgedSeconds = dueSeconds;
    if (nowSeconds - this.#expiredSeconds < EXPIRE_SECONDS) return;
    this.#expiredSeconds = nowSeconds;
    await this.#deps.tables.expire(Math.floor(nowSeconds) - options.retentionSeconds);
  }

  /** Judges the owner's next window, or says why not. */
  async #judgeNext(owner: Owner, monitors: readonly Monitor[]): Promise<Outcome> {
    const { clock, options, tables, isCaughtUp } = this.#deps;
    const { windowSeconds } = options;
    const nowSeconds = clock.now() / 1000;
    const state = await tables.stateOf(owner);
    const oldest = alignDown(nowSeconds - MAX_CATCH_UP_SECONDS, windowSeconds);
    if (
      state === undefined ||
      state.nextSeconds < oldest ||
      state.nextSeconds % windowSeconds !== 0
    ) {
      const begin = alignDown(nowSeconds, windowSeconds) - windowSeconds;
      await tables.begin(owner, begin, state?.detector ?? NOTHING_DETECTED);
      return 'judged';
    }
    const endSeconds = state.nextSeconds + windowSeconds;
    if (nowSeconds < endSeconds + lagSeconds(options)) return 'not due';
    if (!isCaughtUp() && nowSeconds < endSeconds + LATEST_SECONDS) return 'waiting';
    const started = performance.now();
    const window = { owner, startSeconds: state.nextSeconds, endSeconds, monitors };
    const since = window.startSeconds - EXPECTED_WINDOWS * windowSeconds;
    const completeness = await this.#reader.completeness(window, since);
    const judgement = await this.#judge.judge(window, state.detector, completeness);
    const { reports, alarmed } = judgement;
    const recent = await tables.incidents(owner, {
      startSeconds: endSeconds - this.#deps.parameters.flapSeconds,
      endSeconds: endSeconds + 1,
    });
    const incidents = updateIncidents(
      recent,
      { endSeconds, newId: this.#deps.newId, reports, alarmed },
      this.#deps.parameters,
    );
    const kept = { ...judgement, ...window, nextSeconds: endSeconds, incidents };
    if (!(await tables.keep(owner, { ...kept, monitors: judgement.monitors }))) return 'judged';
    await this.#reader.learn(window, judgement.paths, judgement.excluded);
    if (endSeconds % 60 === 0) await this.#keepMetrics(owner, monitors, endSeconds);
    this.#windows.add(1);
    this.#seconds.observe((performance.now() - started) / 1000);
    this.#behind.set(clock.now() / 1000 - endSeconds);
    return 'judged';
  }

  async #keepMetrics(
    owner: Owner,
    monitors: readonly Monitor[],
    endSeconds: number,
  ): Promise<void> {
    const startSeconds = endSeconds - FINAL_SECONDS - 60;
    const metrics = await this.#reader.metrics({ owner, startSeconds, endSeconds, monitors });
    const named = metrics.map((each) => ({
      ...each,
      monitorName: monitors[each.monitor]?.monitorName ?? '',
    }));
    await this.#deps.tables.keepMetrics(owner, named, endSeconds - FINAL_SECONDS);
  }
}

function lagSeconds({ windowSeconds }: HealthOptions): number {
  return Math.min(MAX_LAG_SECONDS, windowSeconds);
}

function alignDown(seconds: number, windowSeconds: number): number {
  return Math.floor(seconds / windowSeconds) * windowSeconds;
}

function ownerKey({ account, region }: Owner): string {
  return `${account} ${region}`;
}
