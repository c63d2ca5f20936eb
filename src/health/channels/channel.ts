import type { ContrastGroup } from '../../model/health.ts';
import type { SqlFragment } from '../../store/sql.ts';
import type { CellColumns } from '../cells/cell-columns.ts';
import type { CellFrame } from '../cells/cells.ts';
import type { Parameters } from '../parameters.ts';

/** Whether a fault affects all cells of a construct alike, or a share of them. */
export type Shape = 'uniform' | 'fraction';

/** `size` is in the channel's unit (`uniform`), or is the share of affected cells (`fraction`). */
export interface Severity {
  readonly shape: Shape;
  readonly size: number;
}

/** A fault that the search has found, with the cells of its construct. */
export interface ExplainedFault extends Severity {
  readonly cells: Uint32Array;
}

/**
 * One kind of fault that a construct may have. A file of this folder has everything about it, and
 * `registry.ts` lists it.
 */
export interface Channel<Cells extends CellFrame> {
  /** The counts and sums of each cell that it reads. */
  readonly columns: CellColumns;
  /** The severities that are tried. Each is one column of a cell's row of evidence. */
  readonly severities: (p: Parameters) => readonly Severity[];
  /** Whether a size of this shape is a share, and so below 1. */
  readonly isShare: (shape: Shape) => boolean;
  readonly evidence: (parts: EvidenceParts<Cells>) => ChannelEvidence;
  readonly sql: ChannelSql;
  /** Whether such a fault leaves packets unanswered. A change of the topology may be its cause. */
  readonly isSilence: boolean;
  /**
   * Whether a fault needs a control group: if every flow of the hosts crosses the construct, the
   * hosts may be the cause instead.
   */
  readonly needsControlGroup: boolean;
  /** Whether load may be its cause. */
  readonly isCongestible: boolean;
  /** Cells whose retransmissions such a fault accounts for. */
  readonly retransmissionsOf?: 'living cells' | 'dead cells' | undefined;
  readonly words: ChannelWords;
}

export interface EvidenceParts<Cells> {
  readonly cells: Cells;
  readonly p: Parameters;
  /** 1: the receiver keeps the cell waiting. */
  readonly stalled: Uint8Array;
  readonly rows: RowSlice;
}

/** The columns of one channel in the rows of evidence. Evidence is in nats. */
export interface RowSlice {
  readonly values: Float64Array;
  /** Columns of all channels. */
  readonly width: number;
  readonly first: number;
}

/** The evidence of one channel about the cells of a window, given the faults already explained. */
export interface ChannelEvidence {
  /**
   * The probability that each cell is healthy in this channel, 0 to 1. The window counts with this
   * weight in the cell's history. Absent where the channel has no history.
   */
  readonly weight?: Float64Array;
  /** Writes a cell's row: log-likelihood ratios against the present explanation. */
  writeRow(cell: number): void;
  /** A cell's evidence for a severity between those of the grid. */
  nats(cell: number, severity: Severity): number;
  /** Adds a fault to the explanation of its cells (1), or removes it again (-1). */
  explain(fault: ExplainedFault, sign: 1 | -1): void;
  /** Whether a fault of this severity harms these cells enough to report it. */
  isMaterial(cells: Uint32Array, severity: Severity): boolean;
}

/** The new columns of one SELECT, each `EXPRESSION AS name`. */
export type SqlStep = readonly SqlFragment[];

/**
 * The same evidence in ClickHouse, while nothing is explained. Each step is a SELECT around the one
 * before it and may use its columns. Nesting is for speed: ClickHouse 26.7 takes 2 s to analyse the
 * same expressions as aliases of one SELECT.
 */
export interface ChannelSql {
  /** Steps up to `CHANNEL_weight`, or none. */
  readonly weight: (p: Parameters) => readonly SqlStep[];
  /** Further steps up to `CHANNEL_row`: an array of nats, not yet clipped. */
  readonly row: (p: Parameters) => readonly SqlStep[];
}

/** How sentences describe a fault of the channel. */
export interface ChannelWords {
  /** The predicate of "flows through it …". */
  readonly harm: (severity: Severity) => string;
  /** The counts of the flows through it. */
  readonly through?: (group: ContrastGroup) => string;
  /** A sentence about the flows of the control group; undefined where they show nothing. */
  readonly elsewhere?: (group: ContrastGroup) => string | undefined;
}
