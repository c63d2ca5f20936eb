import type { ResourceKind, ResourceOf } from '../graph/resource.ts';
import { historyOf, type ResourceVersion, type TimedResource } from '../graph/resource-version.ts';

export type History<Kind extends ResourceKind> = readonly TimedResource<Kind>[];

/** Nothing but a place to be interrupted: what makes a snapshot gives way to requests there. */
export type Steps<Result = void> = Generator<undefined, Result>;

/** How many resources are looked at between two places to be interrupted. */
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

  of<Kind extends ResourceKind>(kind: Kind): readonly History<Kind>[] {
    return (this.#byKind.get(kind) ?? []) as readonly unknown[] as readonly History<Kind>[];
  }

  *eachOf<Kind extends ResourceKind>(kind: Kind, act: (history: History<Kind>) => void): Steps {
    for (const [i, history] of this.of(kind).entries()) {
      if (i % RESOURCES_A_STEP === 0) yield;
      act(history);
    }
  }

  /** Each resource as it was last, by id. */
  latest<Kind extends ResourceKind>(kind: Kind): ReadonlyMap<string, ResourceOf<Kind>> {
    const latest = new Map<string, ResourceOf<Kind>>();
    for (const history of this.of(kind)) {
      const last = history.at(-1)?.resource;
      if (last !== undefined) latest.set(last.id, last);
    }
    return latest;
  }
}
