import type { ResourceKind, ResourceOf } from '../graph/resource.ts';
import { historyOf, type ResourceVersion, type TimedResource } from '../graph/resource-version.ts';
import { FOREVER, type Validity } from '../graph/validity.ts';

export type History<Kind extends ResourceKind> = readonly TimedResource<Kind>[];

/** A generator that yields only so that its caller can answer requests in between. */
export type Steps<Result = void> = Generator<undefined, Result>;

/** Resources between two yields. */
const RESOURCES_A_STEP = 64;

/** The resources of a graph by kind, each with its history. */
export class Histories {
  readonly #byKind = new Map<ResourceKind, (readonly TimedResource[])[]>();

  *read(versions: Iterable<readonly ResourceVersion[]>): Steps {
    for (const [i, own] of [...versions].entries()) {
      if (i % RESOURCES_A_STEP === 0) yield;
      const history = historyOf(own);
      const kind = history[0]?.resource.kind;
      if (kind === undefined) continue;
      const histories = this.#byKind.get(kind);
      if (histories === undefined) this.#byKind.set(kind, [history]);
      else histories.push(history);
    }
  }

  *eachHistory<Kind extends ResourceKind>(
    kind: Kind,
    act: (history: History<Kind>) => void,
  ): Steps {
    for (const [i, history] of this.#of(kind).entries()) {
      if (i % RESOURCES_A_STEP === 0) yield;
      act(history);
    }
  }

  eachVersion<Kind extends ResourceKind>(
    kind: Kind,
    act: (resource: ResourceOf<Kind>, validity: Validity) => void,
  ): Steps {
    return this.eachHistory(kind, (history) => {
      for (const version of history) act(version.resource, version);
    });
  }

  /** Calls back for each resource that has not ended. */
  eachCurrent<Kind extends ResourceKind>(
    kind: Kind,
    act: (resource: ResourceOf<Kind>) => void,
  ): Steps {
    return this.eachHistory(kind, (history) => {
      const last = history.at(-1);
      if (last?.toSeconds === FOREVER) act(last.resource);
    });
  }

  /** The resources that have not ended, by id. For kinds that are few: it does not yield. */
  current<Kind extends ResourceKind>(kind: Kind): ReadonlyMap<string, ResourceOf<Kind>> {
    const current = new Map<string, ResourceOf<Kind>>();
    for (const history of this.#of(kind)) {
      const last = history.at(-1);
      if (last?.toSeconds === FOREVER) current.set(last.resource.id, last.resource);
    }
    return current;
  }

  /** The last version of each resource, ended or not, by id. */
  latest<Kind extends ResourceKind>(kind: Kind): ReadonlyMap<string, ResourceOf<Kind>> {
    const latest = new Map<string, ResourceOf<Kind>>();
    for (const history of this.#of(kind)) {
      const last = history.at(-1)?.resource;
      if (last !== undefined) latest.set(last.id, last);
    }
    return latest;
  }

  #of<Kind extends ResourceKind>(kind: Kind): readonly History<Kind>[] {
    // `read` files each history under the kind of its resource.
    return (this.#byKind.get(kind) ?? []) as readonly unknown[] as readonly History<Kind>[];
  }
}
