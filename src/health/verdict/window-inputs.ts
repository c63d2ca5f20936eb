import type { HealthCompleteness } from '../../model/health.ts';
import type {
  ConstructSelection,
  HostLimits,
  SharedConstruct,
} from '../constructs/window-constructs.ts';
import type { CellRow } from '../evidence/cell-row.ts';
import type { CellSums, FirstPassRow } from '../evidence/first-pass.ts';
import type { DetectorState } from '../search/detect.ts';

/** All that a verdict depends on but for the parameters: plain data, so that it can be kept. */
export interface WindowInputs {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** By which they are kept; absent where nothing was searched for. */
  readonly inputsId?: string | undefined;
  /** The cells looked at, with the baselines they are judged by; none where nothing asked for it. */
  readonly rows: readonly CellRow[];
  readonly isQuiet: boolean;
  readonly shared: readonly SharedConstruct[];
  /** Only these have all of their cells among the rows; absent: all have. */
  readonly only?: ConstructSelection | undefined;
  readonly limits: HostLimits;
  readonly before: DetectorState;
  readonly monitors: readonly {
    readonly name: string;
    readonly sums: CellSums;
    readonly completeness: HealthCompleteness;
  }[];
  /** What the first pass found of each construct. */
  readonly first: readonly FirstPassRow[];
}
