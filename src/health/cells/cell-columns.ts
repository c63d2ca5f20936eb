import type { SqlFragment } from '../../store/sql.ts';

/** A number of each cell, aggregated over the cell's flows in one window. */
export interface CountColumn {
  /** Its name in the first pass and in `health_cells`. */
  readonly column: string;
  /** The aggregate. It may use the aliases of columns declared before it. */
  readonly sql: SqlFragment;
}

/** A sum over the earlier windows of a cell. */
export interface HistoryColumn<Count extends string = string> {
  /** Its name in `health_history`. Reads call it `h_COLUMN`. */
  readonly column: string;
  /** The amount that a window of weight 1 adds: in SQL, and from the same counts in TypeScript. */
  readonly sql: SqlFragment;
  readonly amount: (of: (count: Count) => number) => number;
}

/** A constant of a baseline class, kept with each cell. */
export interface ClassColumn {
  readonly column: string;
  readonly sql: SqlFragment;
}

/**
 * The columns of one channel. First pass, `health_cells`, `health_history`, the arrays of `Cells`
 * and learning derive from them.
 */
export interface CellColumns<
  Count extends string = string,
  History extends string = string,
  OfClass extends string = string,
  Constant extends string = string,
> {
  readonly counts: Readonly<Record<Count, CountColumn>>;
  readonly history: Readonly<Record<History, HistoryColumn<Count>>>;
  /** Columns of `history` that are also summed over each baseline class, as `class_COLUMN`. */
  readonly ofClass: readonly OfClass[];
  readonly constants: Readonly<Record<Constant, ClassColumn>>;
}

type Names = Readonly<Record<string, unknown>>;

/** Infers the names, so that a misspelt one is a compile error. */
export function cellColumns<
  Count extends string = never,
  History extends string = never,
  OfClass extends History = never,
  Constant extends string = never,
>(columns: {
  readonly counts: Readonly<Record<Count, CountColumn>>;
  readonly history: Readonly<Record<History, HistoryColumn<NoInfer<Count>>>>;
  readonly ofClass?: readonly OfClass[];
  readonly constants?: Readonly<Record<Constant, ClassColumn>>;
}): CellColumns<Count, History, OfClass, Constant> {
  const { counts, history, ofClass = [], constants } = columns;
  return {
    counts,
    history,
    ofClass,
    constants: constants ?? ({} as Record<Constant, ClassColumn>),
  };
}

/** A record with the same keys. */
export function mapRecord<Keys extends Names, Value>(
  record: Keys,
  value: (entry: Keys[keyof Keys], name: keyof Keys & string) => Value,
): { readonly [Name in keyof Keys]: Value } {
  const entries = Object.entries(record) as [keyof Keys & string, Keys[keyof Keys]][];
  const mapped = entries.map(([name, entry]) => [name, value(entry, name)]);
  return Object.fromEntries(mapped) as { readonly [Name in keyof Keys]: Value };
}
