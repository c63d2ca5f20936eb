/** Sums over a group of cells. */
export interface CellSums {
  readonly cells: number;
  readonly segments: number;
  readonly retrans: number;
  readonly expected: number;
  /** Cells with a history. */
  readonly known: number;
}

/** Evidence of a construct before anything is explained: shared ones by number, hosts by name. */
export interface FirstPassRow {
  readonly construct: number | string;
  readonly totals: readonly number[];
  readonly sums: CellSums;
}

export interface FirstPass {
  readonly constructs: readonly FirstPassRow[];
  /** In the order of the window's monitors. */
  readonly monitors: readonly CellSums[];
  readonly all: CellSums;
  /** Cells whose connections were refused, or whose receiver keeps them waiting. */
  readonly applications: number;
}
