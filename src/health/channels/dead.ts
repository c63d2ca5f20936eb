import { param, sql } from '../../store/sql.ts';
import { cellColumns } from '../cells/cell-columns.ts';
import type { CellsWith } from '../cells/cells.ts';
import { DEAD, IDLE } from '../cells/life.ts';
import { clip } from '../nats.ts';
import type { Parameters } from '../parameters.ts';
import { float, floats } from '../sql-values.ts';
import { percent } from '../wording.ts';
import type {
  Channel,
  ChannelEvidence,
  EvidenceParts,
  ExplainedFault,
  Severity,
  SqlStep,
} from './channel.ts';

/** Every cell has a life, so the channel needs no column of its own. */
const COLUMNS = cellColumns({ counts: {}, history: {} });

type LivingCells = CellsWith<typeof COLUMNS>;

/** Whether cells that try are dead, as a Bernoulli variable. Idle cells have no evidence. */
export class DeadEvidence implements ChannelEvidence {
  readonly #parts: EvidenceParts<LivingCells>;
  /** The probability that no explained fault kills a cell that tries. */
  readonly #living: Float64Array;

  constructor(parts: EvidenceParts<LivingCells>) {
    const { cells, p } = parts;
    this.#parts = parts;
    this.#living = new Float64Array(cells.length).fill(1 - p.privateDead * p.deadGivenFault);
  }

  writeRow(i: number): void {
    const { p, rows } = this.#parts;
    const at = i * rows.width + rows.first;
    for (let k = 0; k < p.fractionGrid.length; k += 1) {
      rows.values[at + k] = this.#nats(i, p.fractionGrid[k] ?? 0);
    }
  }

  nats(i: number, { size }: Severity): number {
    return this.#nats(i, size);
  }

  explain({ cells, size }: ExplainedFault, sign: 1 | -1): void {
    const living = 1 - this.#parts.p.deadGivenFault * size;
    for (const i of cells) this.#living[i] = (this.#living[i] ?? 0) * living ** sign;
  }

  isMaterial(through: Uint32Array): boolean {
    const { cells, p } = this.#parts;
    const tried = through.filter((i) => cells.life[i] !== IDLE);
    const dead = tried.filter((i) => cells.life[i] === DEAD);
    return dead.length > 0 && dead.length >= p.materialDead * tried.length;
  }

  #nats(i: number, share: number): number {
    const { cells, p } = this.#parts;
    const life = cells.life[i] ?? 0;
    if (life === IDLE) return 0;
    const dead = 1 - (this.#living[i] ?? 0) * (1 - p.deadBase);
    const ratio = life === DEAD ? p.deadGivenFault / dead : (1 - p.deadGivenFault) / (1 - dead);
    return clip(Math.log(1 - share + share * ratio), p.maxNatsPerCell);
  }
}

function rowSteps(p: Parameters): readonly SqlStep[] {
  const dead = 1 - (1 - p.privateDead * p.deadGivenFault) * (1 - p.deadBase);
  const ratio = sql`if(life = ${param('UInt8', DEAD)}, ${float(p.deadGivenFault / dead)}, ${float((1 - p.deadGivenFault) / (1 - dead))})`;
  return [
    [
      sql`arrayMap(q -> if(life = ${param('UInt8', IDLE)}, 0, log(1 - q + q * ${ratio})), ${floats(p.fractionGrid)}) AS dead_row`,
    ],
  ];
}

/** Nothing gets through a construct, for a share of its cells. */
export const deadChannel = {
  columns: COLUMNS,
  severities: (p) => p.fractionGrid.map((size) => ({ shape: 'fraction', size }) as const),
  isShare: () => true,
  evidence: (parts) => new DeadEvidence(parts),
  sql: { weight: () => [], row: rowSteps },
  isSilence: true,
  needsControlGroup: false,
  isCongestible: false,
  retransmissionsOf: 'dead cells',
  words: { harm: ({ size }) => `get nothing through, ${percent(size)} of them` },
} satisfies Channel<LivingCells>;
