import type { ContrastGroup } from '../../model/health.ts';
import { param, sql } from '../../store/sql.ts';
import { cellColumns } from '../cells/cell-columns.ts';
import type { CellsWith } from '../cells/cells.ts';
import { DEAD, livingSql } from '../cells/life.ts';
import { clip } from '../nats.ts';
import { type Parameters, PRIOR_LOSS, PRIOR_LOSS_ELSEWHERE } from '../parameters.ts';
import { float, floats } from '../sql-values.ts';
import { percent, plural } from '../wording.ts';
import type {
  Channel,
  ChannelEvidence,
  EvidenceParts,
  ExplainedFault,
  Severity,
  SqlStep,
} from './channel.ts';
import { GridRows, type GridSql, gridRowStep, gridWeightSteps } from './grid-rows.ts';
import { lnNegativeBinomial } from './negative-binomial.ts';
import { shrunkRate, shrunkRateSql, spreadOf, spreadSql } from './shrinkage.ts';

const COLUMNS = cellColumns({
  counts: {
    /** Data segments sent from local to remote, retransmissions included. */
    segments: { column: 'n', sql: sql`greatest(toFloat64(sum(segments_delivered)), r)` },
    retrans: { column: 'r', sql: sql`toFloat64(sum(retrans_est))` },
  },
  history: {
    retrans: { column: 'k', sql: sql`r`, amount: (of) => of('retrans') },
    segments: { column: 'n', sql: sql`n`, amount: (of) => of('segments') },
  },
  ofClass: ['retrans', 'segments'],
  constants: {
    /** Retransmissions per segment assumed before any are known. */
    priorLoss: {
      column: 'prior',
      sql: sql`transform(c.category, ${param('Array(String)', Object.keys(PRIOR_LOSS))}, ${floats(Object.values(PRIOR_LOSS))}, ${float(PRIOR_LOSS_ELSEWHERE)})`,
    },
  },
});

type LossCells = CellsWith<typeof COLUMNS>;

/** Index of the smallest loss of a private fault. A smaller loss may be a burst. */
const FIRST_PRIVATE = 1;

/**
 * Retransmissions, as a negative binomial. Compares each excess loss of the grid, and each share of
 * broken cells, with the faults explained so far.
 */
export class LossEvidence implements ChannelEvidence {
  readonly weight: Float64Array;
  /** Expected retransmissions per segment. */
  readonly baseline: Float64Array;
  /** The baseline plus a tolerance. Evidence is measured against it. */
  readonly tolerated: Float64Array;
  readonly #parts: EvidenceParts<LossCells>;
  readonly #grid: GridRows;
  readonly #spread: Float64Array;
  /** Explained loss on top of the baseline. */
  readonly #excess: Float64Array;
  /** The probability that a cell has no private fault and is in no explained broken share. */
  readonly #sound: Float64Array;
  /** The broken share that the cell is in, as the grid index of its loss; -1 if none. */
  readonly #brokenAt: Int8Array;

  constructor(parts: EvidenceParts<LossCells>) {
    const { cells, p, rows } = parts;
    const { length } = cells;
    this.#parts = parts;
    this.#grid = new GridRows(
      {
        sizes: p.lossGrid,
        firstPrivate: FIRST_PRIVATE,
        privateShare: (i) => 1 - (this.#sound[i] ?? 0),
        soundShare: (i) => this.#sound[i] ?? 0,
        lnLikelihood: (i, size) => this.#lnLoss(i, (this.#excess[i] ?? 0) + size),
        outlier: (i, mean, likelihoods) => {
          const ofShare = likelihoods[this.#brokenAt[i] ?? -1];
          return ofShare === undefined ? mean : p.brokenLoss * ofShare + (1 - p.brokenLoss) * mean;
        },
      },
      { length, rows, p },
    );
    this.weight = this.#grid.weight;
    this.baseline = lossBaseline(cells, p);
    this.tolerated = this.baseline.map((loss) => loss * p.tolerance + p.toleranceAdded);
    this.#spread = cells.history.retrans.map((retrans) => spreadOf(retrans, p));
    this.#excess = new Float64Array(length);
    this.#sound = new Float64Array(length).fill(1 - p.privateLoss);
    this.#brokenAt = new Int8Array(length).fill(-1);
  }

  writeRow(i: number): void {
    const { cells, p, rows } = this.#parts;
    const at = i * rows.width + rows.first + p.lossGrid.length;
    // All segments of a dead cell are lost. The dead channel judges them.
    if (cells.life[i] === DEAD || !this.#grid.write(i)) {
      this.#grid.clear(i);
      rows.values.fill(0, at, at + p.fractionGrid.length);
      return;
    }
    const more = this.#grid.outlierRatio - 1;
    for (let k = 0; k < p.fractionGrid.length; k += 1) {
      const nats = Math.log1p((p.fractionGrid[k] ?? 0) * more);
      rows.values[at + k] = clip(nats, p.maxNatsPerCell);
    }
  }

  nats(i: number, { shape, size }: Severity): number {
    if (shape === 'uniform') return this.#grid.nats(i, size);
    const lnNull = this.#grid.lnNull[i] ?? 0;
    if (lnNull === Number.NEGATIVE_INFINITY) return 0;
    const more = Math.expm1((this.#grid.lnOutlier[i] ?? 0) - lnNull);
    return clip(Math.log1p(size * more), this.#parts.p.maxNatsPerCell);
  }

  explain({ cells, shape, size }: ExplainedFault, sign: 1 | -1): void {
    if (shape === 'uniform') {
      for (const i of cells) {
        // Adding and subtracting leaves a rounding error, which may be below 0.
        this.#excess[i] = Math.max(0, (this.#excess[i] ?? 0) + sign * size);
      }
      return;
    }
    const brokenAt = sign === 1 ? this.#lossOfShare(cells) : -1;
    for (const i of cells) {
      this.#sound[i] = (this.#sound[i] ?? 0) * (1 - size) ** sign;
      this.#brokenAt[i] = brokenAt;
    }
  }

  isMaterial(through: Uint32Array, { shape, size }: Severity): boolean {
    const { p } = this.#parts;
    const { segments, retrans, expected } = this.#sums(through);
    if (segments === 0) return false;
    const base = expected / segments;
    const excess = shape === 'uniform' ? size : (retrans - expected) / segments;
    return excess >= Math.max(p.materialLoss, p.materialLossTimesBase * base);
  }

  /** The loss of a group of cells, and the loss that their baselines expect. */
  contrast(members: Iterable<number>) {
    const { segments, retrans, expected } = this.#sums(members);
    const rates = { rate: retrans / segments, expected: expected / segments };
    return { segments, retrans, ...(segments === 0 ? {} : rates) };
  }

  #sums(members: Iterable<number>) {
    const { cells } = this.#parts;
    const sums = { segments: 0, retrans: 0, expected: 0 };
    for (const i of members) {
      const segments = cells.segments[i] ?? 0;
      sums.segments += segments;
      sums.retrans += cells.retrans[i] ?? 0;
      sums.expected += segments * (this.baseline[i] ?? 0);
    }
    return sums;
  }

  /** ln P(retransmissions) if this loss is added to the baseline. NaN without a segment. */
  #lnLoss(i: number, excess: number): number {
    const { cells, p } = this.#parts;
    const r = Math.floor(cells.retrans[i] ?? 0);
    const n = Math.max(cells.segments[i] ?? 0, r);
    const base = n * (this.tolerated[i] ?? 0);
    const more = n * excess;
    const mean = base + more;
    const overdispersion =
      mean * (p.burstiness - 1) +
      base * base * (this.#spread[i] ?? 0) +
      more * more * p.faultSpread;
    return lnNegativeBinomial(r, mean, overdispersion);
  }

  /** Index of the loss that fits a broken share of these cells best. */
  #lossOfShare(cells: Uint32Array): number {
    const sums = this.#parts.p.lossGrid.map((loss, k) => {
      if (k < FIRST_PRIVATE) return Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (const i of cells) {
        if (this.#grid.lnNull[i] === Number.NEGATIVE_INFINITY) continue;
        const sick = 1 - (this.weight[i] ?? 0);
        sum += sick * this.#lnLoss(i, (this.#excess[i] ?? 0) + loss);
      }
      return sum;
    });
    return sums.indexOf(Math.max(...sums));
  }
}

/** A cell's loss shrinks towards that of its class, which shrinks towards the prior. */
function lossBaseline({ length, history, classes, baselineClass }: LossCells, p: Parameters) {
  const classLoss = classes.segments.map((segments, b) => {
    const counted = { events: classes.retrans[b] ?? 0, trials: segments };
    return Math.max(p.minLoss, shrunkRate(counted, classes.priorLoss[b] ?? 0, p));
  });
  return Float64Array.from({ length }, (_, i) => {
    const ofClass = classLoss[baselineClass[i] ?? 0] ?? 0;
    const events = history.retrans[i] ?? 0;
    const own = shrunkRate({ events, trials: history.segments[i] ?? 0 }, ofClass, p);
    return Math.min(Math.max(p.minLoss, own), p.maxAboveClass * ofClass);
  });
}

const grid = (p: Parameters): GridSql => ({
  name: 'loss',
  firstPrivate: FIRST_PRIVATE,
  privateShare: p.privateLoss,
  isJudged: livingSql(sql`n`),
});

/** `base` is the number of retransmissions expected at the tolerated loss. */
function weightSteps(p: Parameters): readonly SqlStep[] {
  const min = float(p.minLoss);
  const sizes = floats([0, ...p.lossGrid]);
  const ofClass = shrunkRateSql({ events: sql`class_k`, trials: sql`class_n` }, sql`prior`, p);
  const own = shrunkRateSql({ events: sql`h_k`, trials: sql`h_n` }, sql`class_loss`, p);
  return [
    [sql`greatest(${min}, ${ofClass}) AS class_loss`],
    [
      sql`n * (least(greatest(${min}, ${own}), ${float(p.maxAboveClass)} * class_loss) * ${float(p.tolerance)} + ${float(p.toleranceAdded)}) AS base`,
      sql`${spreadSql(sql`h_k`, p)} AS spread`,
    ],
    [
      sql`arrayMap(d -> base + n * d, ${sizes}) AS means`,
      sql`arrayMap(d -> (base + n * d) * ${float(p.burstiness - 1)} + base * base * spread + n * d * n * d * ${float(p.faultSpread)}, ${sizes}) AS overs`,
    ],
    [
      sql`arrayMap((mean, over) -> if(r = 0, 0, lgamma(mean * mean / over + r) - lgamma(mean * mean / over) + r * log(over / (mean + over))) + mean * mean / over * log(mean / (mean + over)), means, overs) AS loss_ln`,
    ],
    ...gridWeightSteps(grid(p), sql`0`),
  ];
}

function rowSteps(p: Parameters): readonly SqlStep[] {
  const fraction = sql`log1p(q * (loss_outlier / loss_either - 1))`;
  return [
    [
      ...gridRowStep(grid(p)),
      sql`arrayMap(q -> if(${grid(p).isJudged}, ${fraction}, 0), ${floats(p.fractionGrid)}) AS loss_fractions`,
    ],
    [sql`arrayConcat(loss_grid, loss_fractions) AS loss_row`],
  ];
}

function elsewhere({ group, rate }: ContrastGroup): string | undefined {
  if (rate === undefined) return undefined;
  return group === 'other hosts, to the same remotes'
    ? `Other hosts lose ${percent(rate)} to the same remotes`
    : `The same hosts lose ${percent(rate)} on every other path`;
}

/** A construct loses segments: a uniform share of them, or those of a share of its cells. */
export const lossChannel = {
  columns: COLUMNS,
  severities: (p) => [
    ...p.lossGrid.map((size) => ({ shape: 'uniform', size }) as const),
    ...p.fractionGrid.map((size) => ({ shape: 'fraction', size }) as const),
  ],
  isShare: (shape) => shape === 'fraction',
  evidence: (parts) => new LossEvidence(parts),
  sql: { weight: weightSteps, row: rowSteps },
  isSilence: false,
  needsControlGroup: true,
  isCongestible: true,
  retransmissionsOf: 'living cells',
  words: {
    harm: ({ shape, size }) =>
      shape === 'uniform'
        ? `lose ${percent(size)}`
        : `are broken in part, about ${percent(size)} of them`,
    through: ({ retrans, segments, hosts }) =>
      `${retrans} of ${segments} segments, ${plural(hosts, 'host')}`,
    elsewhere,
  },
} satisfies Channel<LossCells>;
