import { setImmediate as immediate } from 'node:timers/promises';
import type { Log } from '../../lib/log.ts';
import { Loop } from '../../lib/loop.ts';
import type { CounterMetric, Metrics } from '../../lib/metrics.ts';
import type { Service } from '../../lib/service.ts';
import { Turns } from '../../lib/turns.ts';
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
  /** Told when what is known has changed. */
  readonly onChange: () => void;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Of one slice: what it says now, by resource key, and how it does. */
interface Slice extends SourceSlice {
  readonly current: Map<string, ResourceVersion>;
  lastSuccessSeconds: number;
  error: string | undefined;
  failingSinceSeconds: number | undefined;
  warnings: readonly string[];
}

/** Beyond it statements are refused and counted: 100,000 interfaces that change ten times a week. */
const MAX_VERSIONS = 1_000_000;
/** Resources compared in one go: about a millisecond. */
const COMPARED_AT_ONCE = 250;
const SAVED_AT_ONCE = 250;
const SAVE_MILLIS = 5_000;
const FORGET_SECONDS = 3_600;

/**
 * The resource graph with its history: what each slice of each source said of each resource, from
 * when to when. A statement is compared with the one before; what is the same costs nothing, what
 * changed ends one version and begins another, and nothing is overwritten. Statements are taken one
 * after the other, in pieces between which requests are answered. Kept in the control database,
 * written behind: while that is down, versions wait to be saved.
 */
export class ResourceGraph implements StatementSink, Service {
  readonly name = 'resource graph';
  readonly #deps: ResourceGraphDeps;
  readonly #histories = new Map<string, ResourceVersion[]>();
  readonly #slices = new Map<string, Slice>();
  readonly #unsaved = new Set<ResourceVersion>();
  readonly #unsavedSlices = new Set<Slice>();
  readonly #loop = new Loop({
    round: () => this.#saveAndForget(),
    everyMillis: SAVE_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot save the resource graph', { error }),
  });
  readonly #refused: CounterMetric;
  #versionCount = 0;
  readonly #turns = new Turns();
  #forgottenSeconds = 0;

  constructor(deps: ResourceGraphDeps) {
    this.#deps = deps;
    this.#refused = deps.metrics.counter({
      name: 'nfm_topology_statements_refused_total',
      help: 'Statements of topology sources not taken because the history was full',
    });
    deps.metrics.observedGauge(
      {
        name: 'nfm_topology_versions',
        help: 'Versions of resources in the topology, past ones too',
      },
      () => this.#versionCount,
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
    return this.#turns.take(() => this.#take(statement));
  }

  fail({ atSeconds, message, ...name }: SourceFailure): void {
    const slice = this.#sliceOf(name);
    slice.error = message;
    slice.failingSinceSeconds ??= atSeconds;
  }

  withdraw(name: SourceSlice, atSeconds: number): Promise<void> {
    return this.#turns.take(async () => {
      await this.#take({ ...name, atSeconds, resources: [] });
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

  /** What all slices said of each resource, a list a resource; lists grow while they are read. */
  histories(): Iterable<readonly ResourceVersion[]> {
    return this.#histories.values();
  }

  historyOf(key: string): readonly ResourceVersion[] {
    return this.#histories.get(key) ?? [];
  }

  /** Writes what changed since the last time. @throws Error when it could not be written */
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

  /** Once an hour, what ended before any flow began is dropped. */
  async forget(): Promise<void> {
    const oldest = this.#deps.repository.oldestSeconds();
    if (oldest < this.#forgottenSeconds + FORGET_SECONDS) return;
    await this.#deps.repository.forget(oldest);
    this.#forgottenSeconds = oldest;
    for (const [key, versions] of this.#histories) {
      const kept = versions.filter(({ toSeconds }) => toSeconds >= oldest);
      this.#versionCount -= versions.length - kept.length;
      if (kept.length === 0) this.#histories.delete(key);
      else if (kept.length < versions.length) this.#histories.set(key, kept);
    }
  }

  async #take(statement: SourceStatement): Promise<void> {
    const slice = this.#sliceOf(statement);
    const { begun, gone } = await this.#compare(slice, statement.resources);
    if (this.#versionCount + begun.length > MAX_VERSIONS) {
      this.#refused.add(1);
      const message = `the topology holds at most ${MAX_VERSIONS} versions of resources`;
      this.fail({ ...statement, message });
      throw new Error(`cannot take a statement of ${statement.source}: ${message}`);
    }
    // A clock that was set back must not end a version before it began.
    const atSeconds = Math.max(statement.atSeconds, slice.lastSuccessSeconds + 1);
    for (const version of gone) {
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
    if (begun.length + gone.length > 0) this.#deps.onChange();
  }

  /** What a slice says now and did not before, and the versions it no longer says. */
  async #compare(slice: Slice, resources: readonly Resource[]) {
    const reported = new Map(resources.map((resource) => [resourceKey(resource), resource]));
    const begun: Resource[] = [];
    const gone = new Map(slice.current);
    let compared = 0;
    for (const [key, resource] of reported) {
      compared += 1;
      if (compared % COMPARED_AT_ONCE === 0) await immediate();
      const known = gone.get(key)?.resource;
      // Sources write members in one order, and so does the database.
      if (JSON.stringify(known) === JSON.stringify(resource)) gone.delete(key);
      else begun.push(resource);
    }
    return { begun, gone: [...gone.values()] };
  }

  #keep(version: ResourceVersion): void {
    const key = resourceKey(version.resource);
    const versions = this.#histories.get(key);
    if (versions === undefined) this.#histories.set(key, [version]);
    else versions.push(version);
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

  async #saveAndForget(): Promise<void> {
    await this.save();
    await this.forget();
  }
}

function sliceKey({ source, slice }: SourceSlice): string {
  return `${source} ${slice}`;
}
