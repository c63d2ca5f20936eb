import type { HealthCompleteness } from '../../model/health.ts';
import type {
  ConstructSelection,
  HostLimits,
  SharedConstruct,
} from '../constructs/window-constructs.ts';
import type { CellRow } from '../evidence/cell-row.ts';
import type { CellSums, FirstPassRow } from '../evidence/first-pass.ts';
import type { DetectorState } from '../search/detect.ts';

/** Everything that a verdict depends on, except for the parameters. It is stored as JSON. */
export interface WindowInputs {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** The id that they are stored under. Absent if the window needed no search. */
  readonly inputsId?: string | undefined;
  /** The cells to search, with their baselines. Empty if the window needed no search. */
  readonly rows: readonly CellRow[];
  /** Whether the window needed no search. */
  readonly isQuiet: boolean;
  readonly shared: readonly SharedConstruct[];
  /** The constructs whose cells are all among the rows. Absent: every construct. */
  readonly only?: ConstructSelection | undefined;
  readonly limits: HostLimits;
  /** The detector state before the window. */
  readonly before: DetectorState;
  readonly monitors: readonly {
    readonly name: string;
    readonly sums: CellSums;
    readonly completeness: HealthCompleteness;
  }[];
  /** The result of the first pass for each construct. */
  readonly first: readonly FirstPassRow[];
}
