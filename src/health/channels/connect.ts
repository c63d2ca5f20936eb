import type { ContrastGroup } from '../../model/health.ts';
import { sql } from '../../store/sql.ts';
import { cellColumns } from '../cells/cell-columns.ts';
import type { CellsWith } from '../cells/cells.ts';
import { DEAD, livingSql } from '../cells/life.ts';
import type { Parameters } from '../parameters.ts';
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
import { lnRising } from './negative-binomial.ts';
import { shrunkRate, shrunkRateSql, spreadOf, spreadSql } from './shrinkage.ts';

const COLUMNS = cellColumns({
  counts: {
    /** Connection attempts. An attempt of an earlier window may send its SYN again in this one. */
    attempts: {
      column: 'tries',
      sql: sql`toFloat64(greatest(attempts, if(syns_again > 0, 1, 0)))`,
    },
    /** Unanswered attempts: their SYN was sent again. */
    silent: { column: 'silent', sql: sql`least(toFloat64(syns_again), tries)` },
  },
  history: {
    attempts: { column: 'tried', sql: sql`tries`, amount: (of) => of('attempts') },
    silent: { column: 'silent', sql: sql`silent`, amount: (of) => of('silent') },
  },
  ofClass: ['attempts', 'silent'],
});

type ConnectCells = CellsWith<typeof COLUMNS>;

/** Adding a fault and removing it again leaves a rounding error below this. */
const ROUNDING = 1e-9;

/**
 * Unanswered connection attempts, as a beta-binomial, because the attempts of one cell are
 * correlated. The channel detects a broken next hop that established connections avoid.
 */
export class ConnectEvidence implements ChannelEvidence {
  readonly weight: Float64Array;
  readonly #parts: EvidenceParts<ConnectCells>;
  readonly #grid: GridRows;
  /** Expected share of silent attempts, with a tolerance. */
  readonly #tolerated: Float64Array;
  readonly #spread: Float64Array;
  /** Explained share on top of the baseline. */
  readonly #excess: Float64Array;

  constructor(parts: EvidenceParts<ConnectCells>) {
    const { cells, p, rows } = parts;
    const { length } = cells;
    this.#parts = parts;
    this.#grid = new GridRows(
      {
        sizes: p.silenceGrid,
        firstPrivate: 0,
        privateShare: () => p.privateSilence,
        soundShare: () => 1 - p.privateSilence,
        lnLikelihood: (i, size) => this.#lnSilence(i, size),
      },
      { length, rows, p },
    );
    this.weight = this.#grid.weight;
    this.#tolerated = silenceBaseline(cells, p).map((share) =>
      Math.min(p.maxSilence, share * p.tolerance + p.silenceAdded),
    );
    this.#spread = cells.history.silent.map((silent) => spreadOf(silent, p));
    this.#excess = new Float64Array(length);
  }

  writeRow(i: number): void {
    const { cells } = this.#parts;
    // The dead channel judges the silence of a dead cell.
    const isJudged = (cells.attempts[i] ?? 0) > 0 && cells.life[i] !== DEAD;
    if (!isJudged || !this.#grid.write(i)) this.#grid.clear(i);
  }

  nats(i: number, { size }: Severity): number {
    return this.#grid.nats(i, size);
  }

  explain({ cells, size }: ExplainedFault, sign: 1 | -1): void {
    for (const i of cells) {
      const share = 1 - (1 - (this.#excess[i] ?? 0)) * (1 - size) ** sign;
      this.#excess[i] = share < ROUNDING ? 0 : share;
    }
  }

  isMaterial(through: Uint32Array): boolean {
    const { attempts, silent } = this.contrast(through);
    return silent > this.#parts.p.materialDead * attempts;
  }

  /** The attempts of a group of cells. */
  contrast(members: Iterable<number>) {
    const { cells } = this.#parts;
    const sums = { attempts: 0, silent: 0 };
    for (const i of members) {
      sums.attempts += cells.attempts[i] ?? 0;
      sums.silent += cells.silent[i] ?? 0;
    }
    return sums;
  }

  /**
   * ln P(silent attempts) with this share added to what is explained. Without the binomial
   * coefficient, which all hypotheses have in common.
   */
  #lnSilence(i: number, added: number): number {
    const { cells, p } = this.#parts;
    const attempts = Math.floor(cells.attempts[i] ?? 0);
    const silent = Math.min(attempts, Math.floor(cells.silent[i] ?? 0));
    const base = this.#tolerated[i] ?? 0;
    const excess = 1 - (1 - (this.#excess[i] ?? 0)) * (1 - added);
    const share = 1 - (1 - base) * (1 - excess);
    const a = excess > 0 ? share * p.silenceConcentration : 1 / (this.#spread[i] ?? 0);
    const b = (a * (1 - share)) / share;
    return lnRising(a, silent) + lnRising(b, attempts - silent) - lnRising(a + b, attempts);
  }
}

/** A cell's share of silent attempts shrinks towards that of its class, which shrinks to the prior. */
function silenceBaseline({ history, classes, baselineClass }: ConnectCells, p: Parameters) {
  const classSilence = classes.attempts.map((attempts, b) =>
    shrunkRate({ events: classes.silent[b] ?? 0, trials: attempts }, p.priorSilence, p),
  );
  return history.attempts.map((attempts, i) => {
    const ofClass = classSilence[baselineClass[i] ?? 0] ?? 0;
    return shrunkRate({ events: history.silent[i] ?? 0, trials: attempts }, ofClass, p);
  });
}

const grid = (p: Parameters): GridSql => ({
  name: 'connect',
  firstPrivate: 0,
  privateShare: p.privateSilence,
  isJudged: livingSql(sql`tries`),
});

function weightSteps(p: Parameters): readonly SqlStep[] {
  const sizes = floats([0, ...p.silenceGrid]);
  const ofClass = { events: sql`class_silent`, trials: sql`class_tried` };
  const own = { events: sql`h_silent`, trials: sql`h_tried` };
  return [
    [sql`${shrunkRateSql(ofClass, sql`${float(p.priorSilence)}`, p)} AS class_silence`],
    [
      sql`least(${float(p.maxSilence)}, ${shrunkRateSql(own, sql`class_silence`, p)} * ${float(p.tolerance)} + ${float(p.silenceAdded)}) AS silence`,
      sql`${spreadSql(sql`h_silent`, p)} AS silence_spread`,
    ],
    [
      sql`arrayMap(d -> 1 - (1 - silence) * (1 - d), ${sizes}) AS silences`,
      sql`arrayMap((share, d) -> if(d > 0, share * ${float(p.silenceConcentration)}, 1 / silence_spread), silences, ${sizes}) AS alphas`,
      sql`arrayMap((share, a) -> a * (1 - share) / share, silences, alphas) AS betas`,
    ],
    [
      sql`arrayMap((a, b) -> lgamma(a + silent) - lgamma(a) + lgamma(b + tries - silent) - lgamma(b) - lgamma(a + b + tries) + lgamma(a + b), alphas, betas) AS connect_ln`,
    ],
    ...gridWeightSteps(grid(p), sql`0`),
  ];
}

function attemptsOf({ silent, attempts, hosts }: ContrastGroup): string {
  return `${silent} of ${attempts}, ${plural(hosts, 'host')}`;
}

/** Connection attempts through a construct get no answer. Sizes are shares of attempts. */
export const connectChannel = {
  columns: COLUMNS,
  severities: (p) => p.silenceGrid.map((size) => ({ shape: 'uniform', size }) as const),
  isShare: () => true,
  evidence: (parts) => new ConnectEvidence(parts),
  sql: {
    weight: weightSteps,
    row: (p) => [gridRowStep(grid(p)), [sql`connect_grid AS connect_row`]],
  },
  isSilence: true,
  needsControlGroup: true,
  isCongestible: true,
  words: {
    harm: ({ size }) => `have ${percent(size)} of their connection attempts met with silence`,
    through: attemptsOf,
    elsewhere: ({ silent, attempts }) =>
      attempts > 0 ? `Elsewhere it is ${percent(silent / attempts)}` : undefined,
  },
} satisfies Channel<ConnectCells>;
