import { sql } from '../../store/sql.ts';
import { cellColumns } from '../cells/cell-columns.ts';
import type { CellsWith } from '../cells/cells.ts';
import type { Parameters } from '../parameters.ts';
import { float, floats } from '../sql-values.ts';
import { millis } from '../wording.ts';
import type {
  Channel,
  ChannelEvidence,
  EvidenceParts,
  ExplainedFault,
  Severity,
  SqlStep,
} from './channel.ts';
import { GridRows, type GridSql, gridRowStep, gridWeightSteps } from './grid-rows.ts';

const lnMean = (of: (count: 'rttSum' | 'rttCount') => number) =>
  Math.log(of('rttSum') / of('rttCount'));

const COLUMNS = cellColumns({
  counts: {
    /** Samples of the round-trip time; their sum and minimum in microseconds. */
    rttCount: { column: 'rtts', sql: sql`toFloat64(sum(rtt_us_count))` },
    rttSum: { column: 'rtt_sum', sql: sql`toFloat64(sum(rtt_us_sum))` },
    rttMin: { column: 'rtt_min', sql: sql`toFloat64(minIf(rtt_us_min, rtt_us_count > 0))` },
  },
  history: {
    /** Windows with a sample; then the sums of ln(mean), ln²(mean) and ln(minimum). */
    rttWeight: { column: 'w', sql: sql`1`, amount: () => 1 },
    lnRtt: { column: 'x', sql: sql`log(rtt_sum / rtts)`, amount: lnMean },
    lnRttSquare: {
      column: 'xx',
      sql: sql`pow(log(rtt_sum / rtts), 2)`,
      amount: (of) => lnMean(of) ** 2,
    },
    lnRttMin: {
      column: 'm',
      sql: sql`log(greatest(rtt_min, 1))`,
      amount: (of) => Math.log(Math.max(1, of('rttMin'))),
    },
  },
});

type LatencyCells = CellsWith<typeof COLUMNS>;

/**
 * Round-trip times, as Student's t of 4 degrees of freedom: a few per cent of windows are far off by
 * themselves. A cell needs a history of its own, and a receiver that does not keep it waiting.
 */
export class LatencyEvidence implements ChannelEvidence {
  readonly weight: Float64Array;
  /** The usual round-trip time in microseconds; NaN: the history is too short. */
  readonly baseline: Float64Array;
  readonly #parts: EvidenceParts<LatencyCells>;
  readonly #grid: GridRows;
  readonly #scale: Float64Array;
  /** This window's mean, without the drift that all cells have in common. */
  readonly #rtt: Float64Array;
  /** Explained microseconds on top of the baseline. */
  readonly #shift: Float64Array;

  constructor(parts: EvidenceParts<LatencyCells>) {
    const { cells, p, rows } = parts;
    const { length } = cells;
    this.#parts = parts;
    this.#grid = new GridRows(
      {
        sizes: p.shiftGrid,
        firstPrivate: 0,
        privateShare: () => p.privateLatency,
        soundShare: () => 1 - p.privateLatency,
        lnLikelihood: (i, size) => this.#lnShift(i, (this.#shift[i] ?? 0) + size),
      },
      { length, rows, p },
    );
    this.weight = this.#grid.weight;
    const { baseline, scale } = rttBaseline(cells, p);
    this.baseline = baseline;
    this.#scale = scale;
    const drift = commonDrift(cells, baseline, p);
    this.#rtt = cells.rttSum.map((sum, i) => sum / (cells.rttCount[i] ?? 0) / drift);
    this.#shift = new Float64Array(length);
  }

  writeRow(i: number): void {
    if (this.#isJudged(i) && this.#grid.write(i)) return;
    const hasSample = (this.#rtt[i] ?? 0) > 0;
    this.#grid.clear(i, hasSample && this.#parts.stalled[i] === 0 ? 1 : 0);
  }

  nats(i: number, { size }: Severity): number {
    return this.#grid.nats(i, size);
  }

  explain({ cells, size }: ExplainedFault, sign: 1 | -1): void {
    for (const i of cells) this.#shift[i] = (this.#shift[i] ?? 0) + sign * size;
  }

  isMaterial(through: Uint32Array, { size }: Severity): boolean {
    const { p } = this.#parts;
    const known = through.filter((i) => (this.baseline[i] ?? 0) > 0);
    const sum = known.reduce((total, i) => total + (this.baseline[i] ?? 0), 0);
    const min = Math.max(p.materialMicros, (p.materialRtt * sum) / known.length);
    return known.length > 0 && size >= min;
  }

  #isJudged(i: number): boolean {
    const rtt = this.#rtt[i] ?? 0;
    if (this.#parts.stalled[i] === 1) return false;
    return rtt > 0 && rtt < Number.POSITIVE_INFINITY && (this.baseline[i] ?? 0) > 0;
  }

  /** ln P(round-trip time) at this shift of the baseline, up to a constant. */
  #lnShift(i: number, shift: number): number {
    const own = this.#scale[i] ?? 0;
    const added = this.#parts.p.shiftScale * shift;
    const scaleSquare = own * own + added * added;
    const off = (this.#rtt[i] ?? 0) - (this.baseline[i] ?? 0) - shift;
    return -2.5 * Math.log1p((off * off) / scaleSquare / 4) - 0.5 * Math.log(scaleSquare);
  }
}

/** The geometric mean of the history, and the scale around it, shrunk towards a prior scale. */
function rttBaseline({ length, history }: LatencyCells, p: Parameters) {
  const baseline = new Float64Array(length);
  const scale = new Float64Array(length);
  for (let i = 0; i < length; i += 1) {
    const weight = history.rttWeight[i] ?? 0;
    if (!(weight >= p.rttMinWindows)) {
      baseline[i] = Number.NaN;
      continue;
    }
    const mean = (history.lnRtt[i] ?? 0) / weight;
    const variance = Math.max(0, (history.lnRttSquare[i] ?? 0) / weight - mean * mean);
    const rtt = Math.exp(mean);
    const shrunk =
      (variance * weight + p.rttScale ** 2 * p.rttScaleWindows) / (weight + p.rttScaleWindows);
    baseline[i] = rtt;
    scale[i] = Math.max(rtt * Math.sqrt(shrunk), rtt * p.rttMinScale + p.rttMinScaleMicros);
  }
  return { baseline, scale };
}

/**
 * The factor by which the round-trip times of all cells drifted together: the median, the upper of
 * two. 1 if it exceeds what clocks and load explain.
 */
function commonDrift(cells: LatencyCells, baseline: Float64Array, p: Parameters): number {
  const ratios = baseline
    .map((base, i) => (cells.rttSum[i] ?? 0) / (cells.rttCount[i] ?? 0) / base)
    .filter((ratio) => ratio > 0 && ratio < Number.POSITIVE_INFINITY)
    .sort();
  const median = ratios[Math.floor(ratios.length / 2)];
  return median !== undefined && Math.abs(median - 1) <= p.commonMode ? median : 1;
}

const grid = (p: Parameters): GridSql => ({
  name: 'latency',
  firstPrivate: 0,
  privateShare: p.privateLatency,
  isJudged: sql`has_rtt AND NOT stalled`,
});

function weightSteps(p: Parameters): readonly SqlStep[] {
  const sizes = floats([0, ...p.shiftGrid]);
  const priorSquares = float(p.rttScale ** 2 * p.rttScaleWindows);
  const variance = sql`greatest(0, h_xx / h_w - h_x / h_w * h_x / h_w)`;
  return [
    [sql`h_w >= ${float(p.rttMinWindows)} AND rtts > 0 AND rtt_sum > 0 AS has_rtt`],
    [
      sql`exp(h_x / h_w) AS base_rtt`,
      sql`sqrt((${variance} * h_w + ${priorSquares}) / (h_w + ${float(p.rttScaleWindows)})) AS relative_scale`,
      sql`quantileExactIf(0.5)(rtt_sum / rtts / exp(h_x / h_w), has_rtt) OVER () AS median`,
    ],
    [
      sql`greatest(base_rtt * relative_scale, base_rtt * ${float(p.rttMinScale)} + ${float(p.rttMinScaleMicros)}) AS scale`,
      sql`rtt_sum / rtts / if(abs(median - 1) <= ${float(p.commonMode)}, median, 1) - base_rtt AS off`,
    ],
    [
      sql`arrayMap(d -> scale * scale + d * d * ${float(p.shiftScale ** 2)}, ${sizes}) AS squares`,
      sql`arrayMap(d -> (off - d) * (off - d), ${sizes}) AS off_squares`,
    ],
    [
      sql`arrayMap((square, off_square) -> -2.5 * log1p(off_square / square / 4) - 0.5 * log(square), squares, off_squares) AS latency_ln`,
    ],
    ...gridWeightSteps(grid(p), sql`if(rtt_sum <= 0 OR rtts <= 0 OR stalled, 0, 1)`),
  ];
}

/** A construct adds to the round-trip times of its cells. Sizes are microseconds. */
export const latencyChannel = {
  columns: COLUMNS,
  severities: (p) => p.shiftGrid.map((size) => ({ shape: 'uniform', size }) as const),
  isShare: () => false,
  evidence: (parts) => new LatencyEvidence(parts),
  sql: {
    weight: weightSteps,
    row: (p) => [gridRowStep(grid(p)), [sql`latency_grid AS latency_row`]],
  },
  isSilence: false,
  needsControlGroup: true,
  isCongestible: true,
  words: { harm: ({ size }) => `take ${millis(size)} longer` },
} satisfies Channel<LatencyCells>;
