import { mapRecord } from '../cells/cell-columns.ts';
import { IDLE } from '../cells/life.ts';
import type { Cells } from '../channels/registry.ts';
import { type ConstructClassName, isConstructClass } from '../constructs/construct-class.ts';
import {
  buildConstructs,
  type Constructs,
  LIMITED,
  LIMITS_UNKNOWN,
  WITHIN_LIMITS,
} from '../constructs/constructs.ts';
import type {
  ConstructSelection,
  HostLimits,
  SharedConstruct,
} from '../constructs/window-constructs.ts';
import { buildCells, compressPaths } from './build-cells.ts';
import type { CellRow } from './cell-row.ts';
import { CLASS_COLUMNS, COUNTS, HISTORY } from './columns.ts';

export interface WindowParts {
  readonly rows: readonly CellRow[];
  readonly shared: readonly SharedConstruct[];
  readonly limits: HostLimits;
  /** The constructs whose cells are all among the rows; undefined: every construct. */
  readonly only: ConstructSelection | undefined;
  /** Names of the constructs under alarm. */
  readonly alarmed: ReadonlySet<string>;
}

/**
 * Cells and constructs of a window from the store's rows. Shared constructs keep their numbers;
 * hosts and remotes follow.
 */
export function windowCells(parts: WindowParts): { cells: Cells; constructs: Constructs } {
  const { rows, shared } = parts;
  const names = shared.map(({ name }) => name);
  const end = numbering(names);
  const hosts = rows.map((row) => end(row.host));
  const remotes = rows.map((row) => end(row.remote));
  const classOf = numbering([]);
  const classes = rows.map((row) => classOf(row.class));
  // A class has the same sums in all of its rows, and a map keeps the order of its keys.
  const classRows = [...new Map(rows.map((row) => [row.class, row])).values()];
  const number = (column: string) => (i: number) => Number(rows[i]?.[column]);
  const cells = buildCells({
    paths: compressPaths(rows.map(({ path }, i) => [hosts[i] ?? 0, remotes[i] ?? 0, ...path])),
    counts: mapRecord(COUNTS, ({ column }) => number(column)),
    life: (i) => rows[i]?.life ?? IDLE,
    isRefused: (i) => rows[i]?.refused === 1,
    history: mapRecord(HISTORY, ({ column }) => number(`h_${column}`)),
    baselineClass: (i) => classes[i] ?? 0,
    classes: mapRecord(CLASS_COLUMNS, (column) =>
      Float64Array.from(classRows, (row) => Number(row[column])),
    ),
  });
  return { cells, constructs: constructsOf(names, parts) };
}

/** Numbers names in the order they come, after those already in the list. Adds new ones to it. */
function numbering(names: string[]): (name: string) => number {
  const numbers = new Map<string, number>();
  return (name) => {
    const number = numbers.get(name) ?? names.push(name) - 1;
    numbers.set(name, number);
    return number;
  };
}

function constructsOf(
  names: readonly string[],
  { shared, only, alarmed, limits }: WindowParts,
): Constructs {
  const whole = only && { shared: new Set(only.shared), ends: new Set(only.ends) };
  const exceeded = new Set(limits.exceeded);
  const within = new Set(limits.within);
  const nameOf = (c: number) => names[c] ?? '';
  return buildConstructs({
    names,
    classes: names.map((name, c) => shared[c]?.class ?? endClass(name)),
    limited: (c) => {
      if (exceeded.has(nameOf(c))) return LIMITED;
      return within.has(nameOf(c)) ? WITHIN_LIMITS : LIMITS_UNKNOWN;
    },
    changedSeconds: (c) => shared[c]?.changedSeconds ?? 0,
    isEligible: (c) => {
      if (whole === undefined) return true;
      return c < shared.length ? whole.shared.has(c) : isWhole(nameOf(c), whole.ends);
    },
    alarmed,
  });
}

/** The class of a host or remote, by its name. */
function endClass(name: string): ConstructClassName {
  const [word = ''] = name.split(':');
  return isConstructClass(word) ? word : 'endpoint';
}

/**
 * Whether all cells of an end are among the rows. A remote always counts as complete, so it may be
 * blamed too readily; that error can only spare the network.
 */
function isWhole(name: string, ends: ReadonlySet<string>): boolean {
  return !name.startsWith('host:') || ends.has(name);
}

/** The cells of each monitor, in the order of the window's monitors. */
export function cellsOfMonitors(rows: readonly CellRow[], monitors: number): Uint32Array[] {
  const found = Array.from({ length: monitors }, (): number[] => []);
  for (const [i, row] of rows.entries()) {
    let bits = Number(row.monitors);
    for (let monitor = 0; bits > 0; monitor += 1, bits = Math.floor(bits / 2)) {
      if (bits % 2 === 1) found[monitor]?.push(i);
    }
  }
  return found.map((cells) => Uint32Array.from(cells));
}
