/** The kinds of constructs that a flow may cross or end at. */
export type ConstructKind =
  | 'subnet'
  | 'az'
  | 'az-pair'
  | 'vpc'
  | 'peering'
  | 'transit-gateway'
  | 'attachment'
  | 'nat'
  | 'edge'
  | 'region-pair'
  | 'internet'
  | 'link'
  | 'switch'
  | 'service'
  | 'host'
  | 'endpoint'
  | 'image';

const NETWORK_KINDS: ReadonlySet<ConstructKind> = new Set([
  'subnet',
  'az',
  'az-pair',
  'vpc',
  'peering',
  'transit-gateway',
  'attachment',
  'nat',
  'edge',
  'region-pair',
  'internet',
  'link',
  'switch',
]);

/** Whether a fault of a construct of this kind is a fault of the network. */
export function isNetwork(kind: ConstructKind): boolean {
  return NETWORK_KINDS.has(kind);
}

export interface SimConstruct {
  readonly kind: ConstructKind;
  readonly name: string;
}

/**
 * A network and its cells. Constructs, cells and classes are identified by their index. A cell is
 * one (local host, remote, service port) with its path from the local host; it stays the same, and
 * its counters change from window to window (`SimWindow`).
 */
export interface SimNetwork {
  readonly name: string;
  readonly constructs: readonly SimConstruct[];
  /** The names of the path classes: category and zones of both ends. */
  readonly classes: readonly string[];
  readonly cells: number;
  /** By cell: the construct of the local host, that of the remote, and the path class. */
  readonly host: Uint32Array;
  readonly remote: Uint32Array;
  readonly pathClass: Uint16Array;
  /** A cell's path with both ends is `path[pathStart[cell]]` up to before `path[pathStart[cell + 1]]`. */
  readonly pathStart: Uint32Array;
  readonly path: Uint32Array;
}

export interface NewCell {
  readonly host: number;
  readonly remote: number;
  readonly pathClass: string;
  readonly path: readonly number[];
}

/** Builds a network part by part. */
export class NetworkBuilder {
  readonly constructs: SimConstruct[] = [];
  readonly #cells: NewCell[] = [];
  readonly #classes = new Map<string, number>();

  /** Adds a construct and returns its index. */
  construct(kind: ConstructKind, name: string): number {
    return this.constructs.push({ kind, name }) - 1;
  }

  /** Adds a cell. A construct that occurs twice on the path (both ends in one zone) counts once. */
  cell(cell: NewCell): void {
    this.#cells.push({ ...cell, path: [...new Set(cell.path)] });
  }

  build(name: string): SimNetwork {
    const pathStart = new Uint32Array(this.#cells.length + 1);
    const path: number[] = [];
    this.#cells.forEach((cell, i) => {
      for (const construct of cell.path) path.push(construct);
      pathStart[i + 1] = path.length;
    });
    const pathClass = Uint16Array.from(this.#cells, (cell) => this.#classOf(cell.pathClass));
    return {
      name,
      constructs: this.constructs,
      classes: [...this.#classes.keys()],
      cells: this.#cells.length,
      host: Uint32Array.from(this.#cells, ({ host }) => host),
      remote: Uint32Array.from(this.#cells, ({ remote }) => remote),
      pathClass,
      pathStart,
      path: Uint32Array.from(path),
    };
  }

  #classOf(name: string): number {
    const known = this.#classes.get(name) ?? this.#classes.size;
    this.#classes.set(name, known);
    return known;
  }
}

/** The constructs on a cell's path. */
export function pathOf({ pathStart, path }: SimNetwork, cell: number): Uint32Array {
  return path.subarray(pathStart[cell], pathStart[cell + 1]);
}

/** The cells that cross each construct, in the order of the constructs. */
export function cellsByConstruct(network: SimNetwork): readonly Uint32Array[] {
  const counts = new Uint32Array(network.constructs.length);
  for (const construct of network.path) counts[construct] = (counts[construct] ?? 0) + 1;
  const lists = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let cell = 0; cell < network.cells; cell += 1) {
    for (const construct of pathOf(network, cell)) {
      const list = lists[construct];
      const place = counts[construct] ?? 0;
      if (list !== undefined) list[place] = cell;
      counts[construct] = place + 1;
    }
  }
  return lists;
}
