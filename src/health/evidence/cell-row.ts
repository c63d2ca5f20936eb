/** A cell as the store keeps it, with its own history and that of its class. */
export interface CellRow {
  readonly host: string;
  readonly remote: string;
  readonly class: string;
  /** The numbers of the shared constructs it traverses. */
  readonly path: readonly number[];
  readonly monitors: string;
  readonly n: number;
  readonly r: number;
  readonly rtts: number;
  readonly rtt_sum: number;
  readonly rtt_min: number;
  readonly tries: number;
  readonly silent: number;
  readonly busy: number;
  readonly rwnd_limited: number;
  readonly life: number;
  readonly refused: number;
  readonly h_k: number;
  readonly h_n: number;
  readonly h_w: number;
  readonly h_x: number;
  readonly h_xx: number;
  readonly h_m: number;
  readonly h_tried: number;
  readonly h_silent: number;
  readonly h_busy: number;
  readonly h_limited: number;
  readonly class_k: number;
  readonly class_n: number;
  readonly class_tried: number;
  readonly class_silent: number;
  readonly prior: number;
}
