import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import type { HealthExplanation } from '../model/health.ts';
import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';
import type { ConstructsOf, GroupsOf } from './constructs/flow-constructs.ts';
import { type HealthWindow, MAX_MONITORS } from './health-window.ts';
import type { Parameters } from './parameters.ts';
import { type DetectorState, NOTHING_DETECTED } from './search/detect.ts';
import { CellHistory } from './storage/cell-history.ts';
import type { HealthStore } from './storage/health-store.ts';
import type { HealthTables } from './storage/health-tables.ts';
import { InputCollector } from './storage/input-collector.ts';
import { KeptInputs } from './storage/kept-inputs.ts';
import { WindowReader } from './storage/window-reader.ts';
import { updateIncidents } from './verdict/incidents.ts';
import { judgeWindow } from './verdict/judge-window.ts';

export interface OwnedMonitor {
  readonly owner: Owner;
  readonly monitor: Monitor;
}

export interface HealthServiceDeps {
  readonly store: HealthStore;
  readonly tables: HealthTables;
  /** The active monitors of all accounts and Regions. */
  readonly monitors: () => Promise<readonly OwnedMonitor[]>;
  readonly constructsOf: ConstructsOf;
  readonly groupsOf: GroupsOf;
  /** Whether all accepted reports are in the store. */
  readonly isCaughtUp: () => boolean;
  /** Whether the store can write. A window's inputs are stored before it is judged. */
  readonly hasRoom: () => boolean;
  readonly parameters: Parameters;
  readonly clock: Clock;
  /** The time by which verdicts are old enough to be deleted. Default: `clock`. */
  readonly ageClock?: Clock | undefined;
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

/**
 * The outcome for an owner's next window. `judged`: by this server or another. `waiting`: some
 * reports are not stored yet. `not due`: the window has not ended.
 */
type Outcome = 'judged' | 'waiting' | 'not due';

/** A report sent at the end of a window arrives by then, retries included. */
const MAX_LAG_SECONDS = 10;
/** A window is judged after this time even if the store lags behind. */
const LATEST_SECONDS = 120;
/** The numbers of a minute become final this long after its end. */
const FINAL_SECONDS = 120;
/**
 * After a longer stop the server skips the windows in between, because nobody needs verdicts that
 * late.
 */
const MAX_CATCH_UP_SECONDS = 3_600;
/** The time between two checks for windows that are due, at most. */
const MAX_CHECK_MILLIS = 1_000;
const EXPIRE_SECONDS = 600;
/** A host that reported within this many windows is expected to report again. */
const EXPECTED_WINDOWS = 10;

/**
 * Judges the windows of every account and Region, each once and in order, a few seconds after it
 * ends. Stores verdicts, incidents and detector state in one transaction. Only then adds the window
 * to the history of its cells.
 */
export class HealthService implements Service {
  readonly name = 'health';
  readonly #deps: HealthServiceDeps;
  readonly #reader: WindowReader;
  readonly #kept: KeptInputs;
  readonly #history: CellHistory;
  readonly #collector: InputCollector;
  readonly #loop: Loop;
  readonly #metrics: HealthMetrics;
  /** Every window that ended by then is judged, so there is nothing to do before the next one ends. */
  #judgedSeconds = 0;
  #expiredSeconds = 0;

  constructor(deps: HealthServiceDeps) {
    const { store, constructsOf, groupsOf, parameters, newId, options, metrics } = deps;
    this.#deps = deps;
    this.#loop = new Loop({
      round: (signal) => this.judgeDue(signal),
      everyMillis: Math.min(MAX_CHECK_MILLIS, (options.windowSeconds * 1000) / 4),
      onError: (error) => this.#onFailure(error),
    });
    this.#reader = new WindowReader(store, parameters);
    this.#kept = new KeptInputs(store, parameters);
    this.#history = new CellHistory(store, parameters);
    this.#collector = new InputCollector({
      reader: this.#reader,
      kept: this.#kept,
      constructsOf,
      groupsOf,
      newId,
      parameters,
    });
    this.#metrics = healthMetrics(metrics);
  }

  async start(): Promise<void> {
    await this.#deps.tables.start();
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #onFailure(error: unknown): void {
    this.#metrics.failures.add(1);
    this.#deps.log.error('cannot judge a window; will retry', { error });
  }

  /**
   * Repeats the verdict on a monitor at a time from its stored inputs. With the same parameters it is
   * the same verdict. Undefined if the window needed no search, or if its inputs have expired.
   */
  async judgeAgain(
    owner: Owner,
    monitorName: string,
    atSeconds: number,
  ): Promise<HealthExplanation | undefined> {
    const explained = await this.#deps.tables.explanationAt(owner, monitorName, atSeconds);
    if (explained?.inputsId === undefined) return undefined;
    const startSeconds = Date.parse(explained.start) / 1000;
    const inputs = await this.#kept.read({ owner, startSeconds, inputsId: explained.inputsId });
    if (inputs === undefined) return undefined;
    const { monitors } = judgeWindow(inputs, this.#deps.parameters);
    return monitors.find((one) => one.monitorName === monitorName)?.explanation;
  }

  /** Judges every window that is due, the oldest first. Does nothing while the disk is nearly full. */
  async judgeDue(signal: AbortSignal): Promise<void> {
    const { clock, ageClock = clock, options, hasRoom } = this.#deps;
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
      // In order: each window needs the detector state of the window before it.
      while (!signal.aborted && outcome === 'judged') {
        outcome = await this.#judgeNext(owner, monitors);
      }
      isWaiting ||= outcome !== 'not due';
    }
    if (!isWaiting) this.#judgedSeconds = dueSeconds;
    if (nowSeconds - this.#expiredSeconds < EXPIRE_SECONDS) return;
    this.#expiredSeconds = nowSeconds;
    await this.#deps.tables.expire(Math.floor(ageClock.now() / 1000) - options.retentionSeconds);
  }

  /** Judges the owner's next window if it is due. */
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
    const window = { owner, startSeconds: state.nextSeconds, endSeconds, monitors };
    await this.#judge(window, state.detector);
    return 'judged';
  }

  async #judge(window: HealthWindow, before: DetectorState): Promise<void> {
    const { clock, options, tables, parameters, newId } = this.#deps;
    const { owner, startSeconds, endSeconds, monitors } = window;
    const started = performance.now();
    const since = startSeconds - EXPECTED_WINDOWS * options.windowSeconds;
    const completeness = await this.#reader.completeness(window, since);
    const { inputs, paths } = await this.#collector.collect(window, before, completeness);
    const judgement = judgeWindow(inputs, parameters);
    const { reports, alarmed } = judgement;
    const recent = await tables.incidents(owner, {
      startSeconds: endSeconds - parameters.flapSeconds,
      endSeconds: endSeconds + 1,
    });
    const incidents = updateIncidents(recent, { endSeconds, newId, reports, alarmed }, parameters);
    const kept = { ...judgement, startSeconds, nextSeconds: endSeconds, incidents };
    // False: another server stored its verdict first, and that one applies.
    if (!(await tables.keep(owner, kept))) return;
    await this.#history.learn(window, paths, judgement.excluded);
    if (endSeconds % 60 === 0) await this.#keepMetrics(owner, monitors, endSeconds);
    this.#metrics.windows.add(1);
    this.#metrics.seconds.observe((performance.now() - started) / 1000);
    this.#metrics.behind.set(clock.now() / 1000 - endSeconds);
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

interface HealthMetrics {
  readonly windows: CounterMetric;
  readonly failures: CounterMetric;
  readonly seconds: HistogramMetric;
  readonly behind: GaugeMetric;
}

function healthMetrics(metrics: Metrics): HealthMetrics {
  return {
    windows: metrics.counter({
      name: 'nfm_health_windows_total',
      help: 'Windows judged, over all accounts and Regions',
    }),
    failures: metrics.counter({
      name: 'nfm_health_failures_total',
      help: 'Failed attempts to judge a window; each window is retried',
    }),
    seconds: metrics.histogram({
      name: 'nfm_health_window_seconds',
      help: 'Seconds it took to judge one window',
      buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    }),
    behind: metrics.gauge({
      name: 'nfm_health_behind_seconds',
      help: 'Seconds since the end of the window judged last',
    }),
  };
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
