import { mapRecord } from '../cells/cell-columns.ts';
import type { CellPaths } from '../cells/cells.ts';
import { ALIVE } from '../cells/life.ts';
import type { Cells, CountName, HistoryName } from '../channels/registry.ts';
import { CLASS_COLUMNS, COUNTS, HISTORY } from './columns.ts';

/** A number for each cell: an array that is used as it is, or a function of the cell's index. */
type Values = Float64Array | ((cell: number) => number);

/** Input of `buildCells`. Missing numbers are 0. */
export interface CellParts {
  readonly paths: CellPaths;
  readonly counts: Readonly<Partial<Record<CountName, Values>>>;
  /** Absent: `ALIVE`. */
  readonly life?: ((cell: number) => number) | undefined;
  readonly isRefused?: ((cell: number) => boolean) | undefined;
  readonly history?: Readonly<Partial<Record<HistoryName, Values>>> | undefined;
  /** The index of a cell's class in `classes`. Absent: 0. */
  readonly baselineClass?: ((cell: number) => number) | undefined;
  readonly classes: Cells['classes'];
}

/** Cells as arrays. Every window of cells is built here: stored, simulated or measured in the lab. */
export function buildCells(parts: CellParts): Cells {
  const { paths, counts, history = {}, life, isRefused, baselineClass, classes } = parts;
  const { length } = paths.host;
  const numbers = (values: Values | undefined): Float64Array => {
    if (values instanceof Float64Array) return values;
    return values === undefined
      ? new Float64Array(length)
      : Float64Array.from({ length }, (_, cell) => values(cell));
  };
  return {
    length,
    ...paths,
    ...mapRecord(COUNTS, (_, name) => numbers(counts[name])),
    life: Uint8Array.from({ length }, (_, cell) => life?.(cell) ?? ALIVE),
    refused: Uint8Array.from({ length }, (_, cell) => Number(isRefused?.(cell) ?? false)),
    history: mapRecord(HISTORY, (_, name) => numbers(history[name])),
    baselineClass: Uint32Array.from({ length }, (_, cell) => baselineClass?.(cell) ?? 0),
    classes,
  };
}

/** Paths in compressed rows. A path begins with the cell's host and its remote end. */
export function compressPaths(paths: readonly (readonly number[])[]): CellPaths {
  const pathStart = new Uint32Array(paths.length + 1);
  for (const [i, path] of paths.entries()) {
    pathStart[i + 1] = (pathStart[i] ?? 0) + path.length;
  }
  return {
    host: Uint32Array.from(paths, ([host = 0]) => host),
    remote: Uint32Array.from(paths, ([, remote = 0]) => remote),
    pathStart,
    path: Uint32Array.from(paths.flat()),
  };
}

/** The history of cells that were never seen before. */
export function emptyHistory(cells: number): Cells['history'] {
  return mapRecord(HISTORY, () => new Float64Array(cells));
}

/** Baseline classes without a history, by the loss assumed of each. */
export function emptyClasses(priorLoss: readonly number[]): Cells['classes'] {
  const sums = mapRecord(CLASS_COLUMNS, () => new Float64Array(priorLoss.length));
  return { ...sums, priorLoss: Float64Array.from(priorLoss) };
}
