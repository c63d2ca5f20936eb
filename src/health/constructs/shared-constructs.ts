import type { InstanceRef } from '../../model/topology.ts';
import type { ConstructsOf, GroupsOf, SharedPart } from './flow-constructs.ts';
import type { EndPair, SharedConstruct, WindowPaths } from './window-constructs.ts';

/** The shared constructs of a window. Their numbers follow the order in which they are added. */
export class SharedConstructs {
  readonly list: SharedConstruct[] = [];
  readonly #timeSeconds: number;
  readonly #numberOf = new Map<string, number>();

  constructor(timeSeconds: number) {
    this.#timeSeconds = timeSeconds;
  }

  /** Adds the constructs between pairs of ends, and the groups of hosts. */
  add(
    ends: { readonly pairs: readonly EndPair[]; readonly instances: readonly InstanceRef[] },
    of: { readonly constructsOf: ConstructsOf; readonly groupsOf: GroupsOf },
  ): WindowPaths {
    const time = this.#timeSeconds;
    const groups = sharedGroups(ends.instances.map((instance) => of.groupsOf(instance, time)));
    const grouped = ends.instances.flatMap((instance, i) => {
      const path = this.#path(groups[i] ?? []);
      return path.length === 0 ? [] : [{ host: `host:${instance.instanceId}`, path }];
    });
    return {
      pairs: ends.pairs.map(({ pair }) => pair),
      paths: ends.pairs.map(({ local, remote }) =>
        this.#path(of.constructsOf(local, remote, time)),
      ),
      hosts: grouped.map(({ host }) => host),
      hostPaths: grouped.map(({ path }) => path),
    };
  }

  #path(parts: readonly SharedPart[]): number[] {
    const path = parts.map(({ class: name, id, changedSeconds = 0 }) =>
      this.#number({ name: `${name}:${id}`, class: name, changedSeconds }),
    );
    return [...new Set(path)];
  }

  #number(construct: SharedConstruct): number {
    const known = this.#numberOf.get(construct.name);
    if (known !== undefined) return known;
    this.#numberOf.set(construct.name, this.list.length);
    return this.list.push(construct) - 1;
  }
}

/**
 * Keeps the groups that several hosts belong to, but not all of them. A group of all hosts has no
 * control group, and a group of one host is the host.
 */
function sharedGroups(ofHosts: readonly (readonly SharedPart[])[]): SharedPart[][] {
  const key = ({ class: name, id }: SharedPart) => `${name}:${id}`;
  const counts = new Map<string, number>();
  for (const group of ofHosts.flat()) counts.set(key(group), (counts.get(key(group)) ?? 0) + 1);
  return ofHosts.map((groups) =>
    groups.filter((group) => {
      const count = counts.get(key(group)) ?? 0;
      return count > 1 && count < ofHosts.length;
    }),
  );
}
