import type { ConstructsOf } from './flow-constructs.ts';
import type { SharedConstruct } from './window-cells.ts';
import type { EndPair, PairPaths } from './window-reader.ts';

/** The shared constructs of a window, numbered as they are met. */
export class SharedConstructs {
  readonly list: SharedConstruct[] = [];
  readonly #constructsOf: ConstructsOf;
  readonly #timeSeconds: number;
  readonly #numberOf = new Map<string, number>();

  constructor(constructsOf: ConstructsOf, timeSeconds: number) {
    this.#constructsOf = constructsOf;
    this.#timeSeconds = timeSeconds;
  }

  /** The paths between these ends. */
  add(pairs: readonly EndPair[]): PairPaths {
    return {
      pairs: pairs.map(({ pair }) => pair),
      paths: pairs.map(({ local, remote }) => {
        const path = this.#constructsOf(local, remote, this.#timeSeconds).map((construct) => {
          const { class: name, id, changedSeconds = 0 } = construct;
          return this.#number({ name: `${name}:${id}`, class: name, changedSeconds });
        });
        return [...new Set(path)];
      }),
    };
  }

  #number(construct: SharedConstruct): number {
    const known = this.#numberOf.get(construct.name);
    if (known !== undefined) return known;
    this.#numberOf.set(construct.name, this.list.length);
    return this.list.push(construct) - 1;
  }
}
