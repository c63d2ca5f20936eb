import type { Monitor } from '../model/monitor.ts';
import type { Owner } from '../model/owner.ts';

/** A window of an owner's flows. */
export interface HealthWindow {
  readonly owner: Owner;
  readonly startSeconds: number;
  /** Exclusive. */
  readonly endSeconds: number;
  /** At most `MAX_MONITORS`. A cell's bitmap has one bit for each of them, in this order. */
  readonly monitors: readonly Monitor[];
}

/** A JSON number holds a bitmap of this many bits exactly. */
export const MAX_MONITORS = 50;
