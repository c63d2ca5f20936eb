import {
  type CellColumns,
  type ClassColumn,
  type CountColumn,
  type HistoryColumn,
  mapRecord,
} from '../cells/cell-columns.ts';
import { type ClassName, COLUMNS, type CountName, type HistoryName } from '../channels/registry.ts';

const SETS: readonly CellColumns[] = Object.values(COLUMNS);

/** The columns of all channels by name, in the order of the registry. */
export const COUNTS = merged<CountName, CountColumn>(SETS.map(({ counts }) => counts));

interface WeightedColumn extends HistoryColumn {
  /** The channel whose weights it is summed with, or `wait`. */
  readonly weight: string;
  readonly isOfClass: boolean;
}

export const HISTORY = merged<HistoryName, WeightedColumn>(
  Object.entries<CellColumns>(COLUMNS).map(([weight, { history, ofClass }]) =>
    mapRecord(history, (column, name) => ({
      ...column,
      weight,
      isOfClass: ofClass.includes(name),
    })),
  ),
);

/** The constants of a baseline class. */
export const CLASS_CONSTANTS: readonly ClassColumn[] = SETS.flatMap(({ constants }) =>
  Object.values(constants),
);

/** The stored name of each array of `Cells.classes`. */
export const CLASS_COLUMNS = merged<ClassName, string>(
  SETS.flatMap(({ history, ofClass, constants }) => [
    Object.fromEntries(ofClass.map((name) => [name, `class_${history[name]?.column}`])),
    mapRecord(constants, ({ column }) => column),
  ]),
);

function merged<Name extends string, Value>(
  records: readonly Readonly<Record<string, Value>>[],
): Readonly<Record<Name, Value>> {
  return Object.assign({}, ...records);
}
