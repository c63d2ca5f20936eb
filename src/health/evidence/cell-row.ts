/**
 * A cell as the store keeps it. The counts, the history (`h_…`), the sums of its class (`class_…`)
 * and the class's constants are columns of their own, one number each: `columns.ts` lists them.
 */
export interface CellRow {
  /** `host:ID`. */
  readonly host: string;
  /** `endpoint:ID` or `service:ID`. */
  readonly remote: string;
  /** The baseline class. */
  readonly class: string;
  /** The numbers of the shared constructs it traverses. */
  readonly path: readonly number[];
  /** A bitmap of the window's monitors. */
  readonly monitors: string | number;
  readonly life: number;
  readonly refused: number;
  readonly [column: string]: string | number | readonly number[];
}
