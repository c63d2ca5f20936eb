import { setImmediate as immediate } from 'node:timers/promises';
import { appendTo } from '../../lib/append-to.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import type { Service } from '../../lib/service.ts';
import { Turns } from '../../lib/turns.ts';
import { LIMITS } from '../../model/limits.ts';
import { HourlyExpiry } from './hourly-expiry.ts';
import type { Resource } from './resource.ts';
import { type ResourceVersion, resourceKey } from './resource-version.ts';
import type {
  SourceFailure,
  SourceSlice,
  SourceStatement,
  SourceStatus,
  StatementSink,
} from './source-statement.ts';
import { FOREVER } from './validity.ts';
import type { VersionRepository } from './version-repository.ts';

export interface ResourceGraphDeps {
  readonly repository: VersionRepository;
  /** Called after a change to any resource. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The current resources of a slice, by resource key, and its status. */
interface Slice extends SourceSlice {
  readonly current: Map<string, ResourceVersion>;
  lastSuccessSeconds: number;
  error: string | undefined;
  failingSinceSeconds: number | undefined;
  warnings: readonly string[];
}

/**
 * A statement beyond it is rejected and counted. Enough for 100,000 interfaces with ten changes a
 * week.
 */
const MAX_VERSIONS = LIMITS.resourceVersions.total;
/** Resources compared without a pause, which takes about a millisecond. */
const COMPARED_AT_ONCE = 250;
const SAVED_AT_ONCE = 250;
const SAVE_MILLIS = 5_000;

/**
 * The resource graph with its history: every version of every resource, by source and slice. A
 * statement is compared with the previous one of its slice. An unchanged resource costs nothing; a
 * change ends one version and begins another, so nothing is overwritten. Statements are applied one
 * at a time, with pauses in which requests are answered. Versions are saved to the control database
 * every 5 seconds; while it is down, they wait in memory.
 */
export class ResourceGraph implements StatementSink, Service {
  readonly name = 'resource graph';
  readonly #deps: ResourceGraphDeps;
  readonly #histories = new Map<string, ResourceVersion[]>();
  readonly #slices = new Map<string, Slice>();
  readonly #unsaved = new Set<ResourceVersion>();
  readonly #unsavedSlices = new Set<Slice>();
  readonly #loop = new Loop({
    round: () => this.#saveAndExpire(),
    everyMillis: SAVE_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot save the resource graph', { error }),
  });
  readonly #refused: CounterMetric;
  #versionCount = 0;
  readonly #turns = new Turns();
  readonly #expiry: HourlyExpiry;

  constructor(deps: ResourceGraphDeps) {
    this.#deps = deps;
    this.#expiry = new HourlyExpiry(deps.repository);
    this.#refused = deps.metrics.counter({
      name: 'nfm_topology_statements_refused_total',
      help: 'Statements of topology sources rejected because the history was full',
    });
    deps.metrics.observedGauge(
      {
        name: 'nfm_topology_versions',
        help: 'Versions of resources in the topology, past ones included',
      },
      () => this.#versionCount,
    );
    deps.metrics.observedGauges(
      {
        name: 'nfm_topology_slice_age_seconds',
        help: 'Time since a slice of a topology source was last read; absent before the first time',
        labels: ['source', 'slice'],
      },
      () => this.#ages(),
    );
  }

  async start(): Promise<void> {
    const { versions, slices } = await this.#deps.repository.load();
    for (const known of slices) this.#sliceOf(known).lastSuccessSeconds = known.lastSuccessSeconds;
    for (const version of versions) this.#keep(version);
    if (versions.length > 0) this.#deps.onChange();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#turns.idle();
    await this.#loop.stop();
    await this.save();
  }

  /** @throws Error when the history is full */
  accept(statement: SourceStatement): Promise<void> {
    return this.#turns.take(() => this.#apply(statement));
  }

  fail({ atSeconds, message, ...name }: SourceFailure): void {
    const slice = this.#sliceOf(name);
    slice.error = message;
    slice.failingSinceSeconds ??= atSeconds;
  }

  withdraw(name: SourceSlice, atSeconds: number): Promise<void> {
    return this.#turns.take(async () => {
      await this.#apply({ ...name, atSeconds, resources: [] });
      const slice = this.#sliceOf(name);
      this.#unsavedSlices.delete(slice);
      this.#slices.delete(sliceKey(name));
      await this.#deps.repository.deleteSlice(name);
    });
  }

  statuses(): readonly SourceStatus[] {
    return [...this.#slices.values()].map(({ current, lastSuccessSeconds, ...slice }) => ({
      ...slice,
      lastSuccessSeconds: lastSuccessSeconds || undefined,
      resources: current.size,
    }));
  }

  *#ages() {
    const nowSeconds = this.#deps.clock.now() / 1000;
    for (const { source, slice, lastSuccessSeconds } of this.#slices.values()) {
      if (lastSuccessSeconds === 0) continue;
      yield { labels: { source, slice }, value: Math.max(0, nowSeconds - lastSuccessSeconds) };
    }
  }

  /** One list of versions per resource, of all slices. A list grows while it is read. */
  histories(): Iterable<readonly ResourceVersion[]> {
    return this.#histories.values();
  }

  historyOf(key: string): readonly ResourceVersion[] {
    return this.#histories.get(key) ?? [];
  }

  /** Writes the changes since the last call. @throws Error when they could not be written */
  async save(): Promise<void> {
    const versions = [...this.#unsaved];
    const slices = [...this.#unsavedSlices];
    try {
      for (let i = 0; i < versions.length; i += SAVED_AT_ONCE) {
        const some = versions.slice(i, i + SAVED_AT_ONCE);
        for (const version of some) this.#unsaved.delete(version);
        await this.#deps.repository.save(some).catch((cause) => {
          for (const version of some) this.#unsaved.add(version);
          throw cause;
        });
        await immediate();
      }
      for (const slice of slices) {
        await this.#deps.repository.saveSlice(slice);
        this.#unsavedSlices.delete(slice);
      }
    } catch (cause) {
      throw new Error('cannot save the resource graph', { cause });
    }
  }

  /** Once an hour, drops versions that ended before the retention of flows. */
  async expire(): Promise<void> {
    await this.#expiry.run((beforeSeconds) => {
      for (const [key, versions] of this.#histories) {
        const kept = versions.filter(({ toSeconds }) => toSeconds >= beforeSeconds);
        this.#versionCount -= versions.length - kept.length;
        if (kept.length === 0) this.#histories.delete(key);
        else if (kept.length < versions.length) this.#histories.set(key, kept);
      }
    });
  }

  async #apply(statement: SourceStatement): Promise<void> {
    const slice = this.#sliceOf(statement);
    const { begun, ended } = await this.#compare(slice, statement);
    if (this.#versionCount + begun.length > MAX_VERSIONS) {
      this.#refused.add(1);
      const message = `the topology holds at most ${MAX_VERSIONS} versions of resources`;
      this.fail({ ...statement, message });
      throw new Error(`cannot apply a statement of ${statement.source}: ${message}`);
    }
    // A clock that was set back must not end a version before it began.
    const atSeconds = Math.max(statement.atSeconds, slice.lastSuccessSeconds + 1);
    for (const version of ended) {
      version.toSeconds = atSeconds;
      slice.current.delete(resourceKey(version.resource));
      this.#unsaved.add(version);
    }
    const { source, slice: name } = statement;
    for (const resource of begun) {
      const version = { source, slice: name, resource, fromSeconds: atSeconds, toSeconds: FOREVER };
      this.#keep(version);
      this.#unsaved.add(version);
    }
    slice.lastSuccessSeconds = atSeconds;
    slice.error = undefined;
    slice.failingSinceSeconds = undefined;
    slice.warnings = statement.warnings ?? [];
    this.#unsavedSlices.add(slice);
    if (begun.length + ended.length > 0) this.#deps.onChange();
  }

  /** The new and changed resources of a statement, and the versions that it ends. */
  async #compare(slice: Slice, { resources, unreadKinds = [] }: SourceStatement) {
    const reported = new Map(resources.map((resource) => [resourceKey(resource), resource]));
    const begun: Resource[] = [];
    const ended = new Map(slice.current);
    let compared = 0;
    for (const [key, resource] of reported) {
      compared += 1;
      if (compared % COMPARED_AT_ONCE === 0) await immediate();
      const known = ended.get(key)?.resource;
      // Members have the same order in each statement of a source and in the database.
      if (JSON.stringify(known) === JSON.stringify(resource)) ended.delete(key);
      else begun.push(resource);
    }
    const unread = new Set<string>(unreadKinds);
    return {
      begun,
      ended: [...ended.values()].filter(({ resource }) => !unread.has(resource.kind)),
    };
  }

  #keep(version: ResourceVersion): void {
    const key = resourceKey(version.resource);
    appendTo(this.#histories, key, version);
    this.#versionCount += 1;
    if (version.toSeconds === FOREVER) this.#sliceOf(version).current.set(key, version);
  }

  #sliceOf({ source, slice }: SourceSlice): Slice {
    const key = sliceKey({ source, slice });
    const known = this.#slices.get(key);
    if (known !== undefined) return known;
    const made: Slice = {
      source,
      slice,
      current: new Map(),
      lastSuccessSeconds: 0,
      error: undefined,
      failingSinceSeconds: undefined,
      warnings: [],
    };
    this.#slices.set(key, made);
    return made;
  }

  async #saveAndExpire(): Promise<void> {
    await this.save();
    await this.expire();
  }
}

function sliceKey({ source, slice }: SourceSlice): string {
  return `${source} ${slice}`;
}
