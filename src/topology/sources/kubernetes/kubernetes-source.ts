import type { Clock } from '../../../lib/clock.ts';
import { errorMessage } from '../../../lib/error-details.ts';
import { Loop } from '../../../lib/loop.ts';
import type { CounterMetric, Metrics } from '../../../lib/metrics.ts';
import { pause } from '../../../lib/pause.ts';
import { type SettingValues, textSetting } from '../../../lib/setting.ts';
import type { Owner } from '../../../model/owner.ts';
import type { SourceSlice } from '../../graph/source-statement.ts';
import type { TopologySource } from '../../topology-source.ts';
import type { SliceReader } from '../slice-reader.ts';
import type { SourceKind } from '../source-kind.ts';
import type { Cluster } from './cluster-resources.ts';
import { clusterSettingsProblem, readClusterSettings } from './cluster-setting.ts';
import type { ClusterWatch } from './cluster-watch.ts';

export const KUBERNETES_SETTINGS = {
  kubernetes: textSetting(
    '',
    'clusters to watch, comma separated: NAME=in-cluster or NAME=KUBECONFIG, with @NETWORK outside of AWS',
  ),
};

export const KUBERNETES: SourceKind<SettingValues<typeof KUBERNETES_SETTINGS> & Owner> = {
  problemOf: (config) => clusterSettingsProblem(config.kubernetes, config),
  isConfigured: ({ source, slice }, config) =>
    source === 'kubernetes' &&
    readClusterSettings(config.kubernetes, config).some(({ cluster }) => cluster.id === slice),
  create: (config, { reader, clock, random, metrics }) => {
    const parts = { reader, clock, random, relists: relistCounter(metrics) };
    return readClusterSettings(config.kubernetes, config).map(
      (setting) => new KubernetesSource({ ...parts, ...setting }),
    );
  },
};

export interface KubernetesSourceDeps {
  readonly reader: SliceReader;
  readonly cluster: Cluster;
  /** `in-cluster` or the path of a kubeconfig. */
  readonly access: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly relists: CounterMetric;
  /** The time for a list or for connecting a watch; default 60,000. */
  readonly connectMillis?: number | undefined;
}

/**
 * Changes are collected into one statement per second, because the topology has times in seconds.
 */
const MIN_PAUSE_MILLIS = 1_000;
/**
 * Pause after a statement, in multiples of the time it took, so that statements take at most 10% of
 * the time.
 */
const PAUSE_FACTOR = 9;
/**
 * An unchanged cluster is reported again, so that the age of its statement shows that the watch
 * works.
 */
const REPEAT_MILLIS = 60_000;
const CONNECT_AGAIN_MILLIS = 30_000;

/** Counts repeated lists of all clusters. */
export function relistCounter(metrics: Metrics): CounterMetric {
  return metrics.counter({
    name: 'nfm_topology_kubernetes_relists_total',
    help: 'Lists repeated because the API server no longer had the watched version (410)',
  });
}

/**
 * Watches the nodes, pods and services of a cluster and reports them as one slice. While a kind
 * cannot be watched, nothing is reported and the last statement stays in force. The client takes 77
 * MiB, so it is loaded on start.
 */
export class KubernetesSource implements TopologySource {
  readonly name: string;
  readonly #deps: KubernetesSourceDeps;
  readonly #slice: SourceSlice;
  readonly #loop = new Loop({
    round: (signal) => this.#watch(signal),
    everyMillis: CONNECT_AGAIN_MILLIS,
    onError: (error) => this.#fail('cannot connect to', error),
  });
  readonly #troubles = new Map<string, Error>();
  #reports: Loop | undefined;

  constructor(deps: KubernetesSourceDeps) {
    this.#deps = deps;
    this.name = `kubernetes cluster ${deps.cluster.name}`;
    this.#slice = { source: 'kubernetes', slice: deps.cluster.id };
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** @throws Error without a usable kubeconfig; the loop tries again, as one may be added later */
  async #watch(signal: AbortSignal): Promise<void> {
    const watch = await this.#connect();
    const reports = new Loop({
      round: () => this.#report(watch, signal),
      everyMillis: REPEAT_MILLIS,
      pausesFirst: true,
      onError: (error) => this.#fail('cannot report', error),
    });
    this.#reports = reports;
    reports.start();
    await watch.run(signal);
    await reports.stop();
  }

  async #connect(): Promise<ClusterWatch> {
    const { cluster, access, random, relists, connectMillis } = this.#deps;
    const { ClusterWatch } = await import('./cluster-watch.ts');
    return new ClusterWatch({
      cluster,
      access,
      random,
      connectMillis,
      onChange: () => this.#reports?.wake(),
      onRelist: () => relists.add(1),
      onTrouble: (kind, error) => this.#onTrouble(kind, error),
    });
  }

  #fail(problem: string, cause: unknown): void {
    const { reader, cluster } = this.#deps;
    const detail = errorMessage(cause);
    reader.fail(this.#slice, new Error(`${problem} cluster ${cluster.name}: ${detail}`, { cause }));
  }

  #onTrouble(kind: string, cause: Error | undefined): void {
    if (cause === undefined) {
      // Reports the changes held back during the failure. The report also ends the failure.
      if (this.#troubles.delete(kind)) this.#reports?.wake();
      return;
    }
    this.#troubles.set(kind, cause);
    this.#fail(`cannot watch ${kind} of`, cause);
  }

  async #report(watch: ClusterWatch, signal: AbortSignal): Promise<void> {
    const { reader, clock } = this.#deps;
    const content = this.#troubles.size === 0 ? watch.content() : undefined;
    if (content === undefined) return;
    const began = clock.now();
    // The reader counts and logs a refused statement; the next one repeats all of it.
    await reader.read(this.#slice, async () => content, signal).catch(() => {});
    const took = clock.now() - began;
    await pause(Math.max(MIN_PAUSE_MILLIS, took * PAUSE_FACTOR), signal);
  }
}
