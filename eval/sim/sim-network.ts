/** What a flow may cross or end at. The first ten are shared parts of the network. */
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

/** Whether a fault of it is the network's. */
export function isNetwork(kind: ConstructKind): boolean {
  return NETWORK_KINDS.has(kind);
}

export interface SimConstruct {
  readonly kind: ConstructKind;
  readonly name: string;
}

/**
 * A network and everyone who talks over it. Constructs, cells and classes are named by their index. A
 * cell is one (local host, remote, service port) with its path, directed from the local host; its
 * counters change from window to window (`SimWindow`), who it is does not.
 */
export interface SimNetwork {
  readonly name: string;
  readonly constructs: readonly SimConstruct[];
  /** What cells of one kind have in common: category, ends and way. */
  readonly classes: readonly string[];
  readonly cells: number;
  /** By cell: the construct of its local host, of its remote host, endpoint or service, its class. */
  readonly host: Uint32Array;
  readonly remote: Uint32Array;
  readonly pathClass: Uint16Array;
  /** A cell's path, ends included: `path[pathStart[cell]]` up to `path[pathStart[cell + 1]]`. */
  readonly pathStart: Uint32Array;
  readonly path: Uint32Array;
}

export interface NewCell {
  readonly host: number;
  readonly remote: number;
  readonly pathClass: string;
  readonly path: readonly number[];
}

/** Collects a network part by part. */
export class NetworkBuilder {
  readonly constructs: SimConstruct[] = [];
  readonly #cells: NewCell[] = [];
  readonly #classes = new Map<string, number>();

  /** The index of the new construct. */
  construct(kind: ConstructKind, name: string): number {
    return this.constructs.push({ kind, name }) - 1;
  }

  /** A construct a path names twice (both ends of one zone) is crossed once. */
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
