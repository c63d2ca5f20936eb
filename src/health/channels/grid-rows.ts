import { name, param, type SqlFragment, sql } from '../../store/sql.ts';
import { clip, lnAdd } from '../nats.ts';
import type { Parameters } from '../parameters.ts';
import type { RowSlice, SqlStep } from './channel.ts';

/** A fault whose sizes form a grid. The alternative is a private fault of the cell. */
export interface GridFault {
  readonly sizes: readonly number[];
  /** Index of the smallest size that a private fault may have. */
  readonly firstPrivate: number;
  /** The probability that the cell has a private fault, and that it has none. */
  privateShare(cell: number): number;
  soundShare(cell: number): number;
  /** ln P(counts of the cell) with this size added to what is explained. */
  lnLikelihood(cell: number, size: number): number;
  /** The likelihood of a private fault. Default: `mean`, the mean over the sizes. */
  outlier?(cell: number, mean: number, likelihoods: Float64Array): number;
}

export interface GridParts {
  readonly length: number;
  readonly rows: RowSlice;
  readonly p: Parameters;
}

/**
 * Rows of evidence for a grid of sizes. A private fault can always explain a cell, which limits its
 * evidence to about 6 nats.
 */
export class GridRows {
  /** ln P with a private fault of any size. */
  readonly lnOutlier: Float64Array;
  /** ln P with or without a private fault. -Infinity: the cell has no evidence. */
  readonly lnNull: Float64Array;
  /** The probability that the cell has no private fault. */
  readonly weight: Float64Array;
  /** For the row written last: the likelihood of a private fault, as a multiple of P. */
  outlierRatio = 0;
  readonly #fault: GridFault;
  readonly #parts: GridParts;
  /** The likelihood of each size, for the row written last. The greatest is 1. */
  readonly #likelihoods: Float64Array;

  constructor(fault: GridFault, parts: GridParts) {
    this.lnOutlier = new Float64Array(parts.length);
    this.lnNull = new Float64Array(parts.length);
    this.weight = new Float64Array(parts.length);
    this.#fault = fault;
    this.#parts = parts;
    this.#likelihoods = new Float64Array(fault.sizes.length);
  }

  /** Writes a row. Returns false, and writes nothing, where the counters make no sense. */
  write(cell: number): boolean {
    const fault = this.#fault;
    const { rows, p } = this.#parts;
    const likelihoods = this.#likelihoods;
    const now = fault.lnLikelihood(cell, 0);
    let max = now;
    for (let k = 0; k < likelihoods.length; k += 1) {
      const nats = fault.lnLikelihood(cell, fault.sizes[k] ?? 0);
      likelihoods[k] = nats;
      if (nats > max) max = nats;
    }
    for (let k = 0; k < likelihoods.length; k += 1) {
      likelihoods[k] = Math.exp((likelihoods[k] ?? 0) - max);
    }
    const outlier = this.#outlier(cell);
    const sound = fault.soundShare(cell);
    const sick = fault.privateShare(cell);
    const nullNow = sound * Math.exp(now - max);
    const nullLikelihood = nullNow + sick * outlier;
    if (!(nullLikelihood > 0)) return false;
    const at = cell * rows.width + rows.first;
    for (let k = 0; k < likelihoods.length; k += 1) {
      const likelihood = sound * (likelihoods[k] ?? 0) + sick * outlier;
      rows.values[at + k] = clip(Math.log(likelihood / nullLikelihood), p.maxNatsPerCell);
    }
    this.lnOutlier[cell] = Math.log(outlier) + max;
    this.lnNull[cell] = Math.log(nullLikelihood) + max;
    this.weight[cell] = nullNow / nullLikelihood;
    this.outlierRatio = outlier / nullLikelihood;
    return true;
  }

  /** Writes a row without evidence. */
  clear(cell: number, weight = 0): void {
    const { values, width, first } = this.#parts.rows;
    const at = cell * width + first;
    values.fill(0, at, at + this.#fault.sizes.length);
    this.lnNull[cell] = Number.NEGATIVE_INFINITY;
    this.weight[cell] = weight;
  }

  /** A cell's evidence for any size, after its row is written. */
  nats(cell: number, size: number): number {
    const lnNull = this.lnNull[cell] ?? 0;
    if (lnNull === Number.NEGATIVE_INFINITY) return 0;
    const sick = this.#fault.privateShare(cell);
    const sound = Math.log(1 - sick) + this.#fault.lnLikelihood(cell, size);
    const either = lnAdd(sound, Math.log(sick) + (this.lnOutlier[cell] ?? 0));
    return clip(either - lnNull, this.#parts.p.maxNatsPerCell);
  }

  #outlier(cell: number): number {
    const likelihoods = this.#likelihoods;
    const { firstPrivate } = this.#fault;
    let sum = 0;
    for (let k = firstPrivate; k < likelihoods.length; k += 1) sum += likelihoods[k] ?? 0;
    const mean = sum / (likelihoods.length - firstPrivate);
    return this.#fault.outlier?.(cell, mean, likelihoods) ?? mean;
  }
}

/** The SQL form of `GridRows`: where it reads the likelihoods, and which cells have evidence. */
export interface GridSql {
  /** The channel's name. Columns: `NAME_ln` is read; `NAME_weight` and `NAME_grid` are made. */
  readonly name: string;
  readonly firstPrivate: number;
  readonly privateShare: number;
  /** A condition on the cells that have evidence. */
  readonly isJudged: SqlFragment;
}

/**
 * Steps from `NAME_ln` to `NAME_weight`. `NAME_ln` is an array: ln P as things are, then ln P of
 * each size of the grid. `otherwise` is the weight of a cell without evidence.
 */
export function gridWeightSteps(grid: GridSql, otherwise: SqlFragment): readonly SqlStep[] {
  const { ln, likelihood, outlier, either, weight } = namesOf(grid);
  // Array indexes begin at 1, and element 1 belongs to no size.
  const sizes = sql`arraySlice(${likelihood}, ${param('UInt8', grid.firstPrivate + 2)})`;
  const sound = sql`${share(1 - grid.privateShare)} * ${likelihood}[1]`;
  return [
    [sql`arrayMap(x -> exp(x - arrayMax(${ln})), ${ln}) AS ${likelihood}`],
    [sql`arrayAvg(${sizes}) AS ${outlier}`],
    [sql`${sound} + ${share(grid.privateShare)} * ${outlier} AS ${either}`],
    [sql`if(${grid.isJudged}, ${sound} / ${either}, ${otherwise}) AS ${weight}`],
  ];
}

/** The step from there to `NAME_grid`: the nats of each size. */
export function gridRowStep(grid: GridSql): SqlStep {
  const { likelihood, outlier, either } = namesOf(grid);
  const nats = sql`log((${share(1 - grid.privateShare)} * x + ${share(grid.privateShare)} * ${outlier}) / ${either})`;
  return [
    sql`arrayMap(x -> if(${grid.isJudged}, ${nats}, 0), arraySlice(${likelihood}, 2)) AS ${column(grid, 'grid')}`,
  ];
}

function namesOf(grid: GridSql) {
  return {
    ln: column(grid, 'ln'),
    likelihood: column(grid, 'likelihood'),
    outlier: column(grid, 'outlier'),
    either: column(grid, 'either'),
    weight: column(grid, 'weight'),
  };
}

function column(grid: GridSql, suffix: string): SqlFragment {
  return name(`${grid.name}_${suffix}`);
}

function share(value: number) {
  return param('Float64', value);
}
