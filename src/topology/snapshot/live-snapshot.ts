import { setImmediate as immediate } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { GaugeMetric, Metrics } from '../../lib/metrics.ts';
import { pause } from '../../lib/pause.ts';
import type { Service } from '../../lib/service.ts';
import type { AccountRelations } from '../../model/account-relations.ts';
import type { ResourceVersion } from '../graph/resource-version.ts';
import { GraphSnapshot } from './graph-snapshot.ts';

export interface LiveSnapshotDeps {
  readonly histories: () => Iterable<readonly ResourceVersion[]>;
  readonly relations: AccountRelations;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A snapshot is made in pieces of about this length; requests are answered in between. */
const PIECE_MILLIS = 5;
/** The pause after a snapshot, in multiples of the time it took to make. */
const REST_FACTOR = 4;
const MIN_REST_MILLIS = 250;

/**
 * The newest complete snapshot of the graph. After a change, a new one is made in pieces and
 * swapped in when it is complete. The pauses limit this work to a fifth of a core, however often
 * sources report.
 */
export class LiveSnapshot implements Service {
  readonly name = 'topology snapshot';
  readonly #deps: LiveSnapshotDeps;
  readonly #loop = new Loop({
    round: (signal) => this.#makeIfChanged(signal),
    everyMillis: Infinity,
    retryMillis: () => 0,
    onError: (error) => this.#deps.log.error('cannot make a snapshot of the topology', { error }),
  });
  readonly #seconds: GaugeMetric;
  #current: GraphSnapshot;
  #wanted = 0;
  #made = 0;
  readonly #waiting: { readonly wanted: number; readonly resolve: () => void }[] = [];

  constructor(deps: LiveSnapshotDeps) {
    this.#deps = deps;
    this.#current = new GraphSnapshot(deps.relations);
    this.#seconds = deps.metrics.gauge({
      name: 'nfm_topology_snapshot_seconds',
      help: 'Seconds it took to make the last snapshot of the topology',
    });
  }

  /** Empty until sources have described something. */
  get current(): GraphSnapshot {
    return this.#current;
  }

  start(): Promise<void> {
    this.#loop.start();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** Called after each change of the graph. */
  changed(): void {
    this.#wanted += 1;
    this.#loop.wake();
  }

  /** Resolves when all changes before the call are in the snapshot, or on `stop`. */
  settled(): Promise<void> {
    if (this.#made >= this.#wanted) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ wanted: this.#wanted, resolve }));
  }

  /**
   * Makes a snapshot if the graph has changed, then pauses. The loop runs again if it changes
   * meanwhile.
   */
  async #makeIfChanged(signal: AbortSignal): Promise<void> {
    if (this.#made === this.#wanted) return;
    const started = performance.now();
    try {
      await this.#make(signal);
    } finally {
      const millis = performance.now() - started;
      this.#seconds.set(millis / 1000);
      await pause(Math.max(MIN_REST_MILLIS, REST_FACTOR * millis), signal);
    }
  }

  async #make(signal: AbortSignal): Promise<void> {
    const wanted = this.#wanted;
    const steps = GraphSnapshot.make(this.#deps.histories(), this.#deps.relations);
    let pieceStarted = performance.now();
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        this.#current = step.value;
        break;
      }
      if (performance.now() - pieceStarted < PIECE_MILLIS) continue;
      await immediate();
      if (signal.aborted) return;
      pieceStarted = performance.now();
    }
    this.#made = wanted;
    const isDone = (waiter: { readonly wanted: number }) => waiter.wanted <= this.#made;
    const done = this.#waiting.filter(isDone);
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter((waiter) => !isDone(waiter)));
    for (const { resolve } of done) resolve();
  }
}
