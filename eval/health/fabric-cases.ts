import { type FabricParameters, FabricSimulator } from '../sim/fabric-simulator.ts';
import type { Case } from './cloud-cases.ts';

/** A row of the table: a number of bad links or switches, each with a loss from a range. */
export interface FabricRow {
  readonly kind: 'link' | 'switch';
  readonly count: number;
  readonly range: readonly [number, number];
}

export interface FabricRun {
  readonly parameters: FabricParameters;
  readonly seed: number;
  readonly history: number;
  readonly rows: readonly FabricRow[];
  /** The number of windows of each row, and of windows without a fault. */
  readonly windows: number;
}

const HEALTHY_FABRIC = 'no fault';

function rowName({ kind, count, range }: FabricRow): string {
  const [from, to] = range.map((loss) => `${+(loss * 100).toPrecision(2)}`);
  return `${count} ${kind}${count > 1 ? (kind === 'link' ? 's' : 'es') : ''} ${from}-${to}%`;
}

/** Yields a fabric's history, then windows of each row with new faults, then windows without faults. */
export function* fabricCases(run: FabricRun): Generator<Case> {
  const simulator = new FabricSimulator(run.parameters, run.seed);
  for (let i = 0; i < run.history; i += 1) yield { name: 'history', window: simulator.next() };
  for (const row of run.rows) {
    for (let i = 0; i < run.windows; i += 1) {
      const faults = simulator.faults(row.kind, row.count, row.range);
      yield { name: rowName(row), window: simulator.next(faults) };
    }
  }
  for (let i = 0; i < run.windows; i += 1) yield { name: HEALTHY_FABRIC, window: simulator.next() };
}
