import type { HealthState } from '../../model/health.ts';
import type { CellSums } from '../evidence/first-pass.ts';
import type { Parameters } from '../parameters.ts';
import type { Finding, JudgedWindow } from './findings.ts';

/** The cells of a monitor that count: those of the six categories of the indicator. */
export interface MonitorCells {
  readonly name: string;
  /** The monitor's cells among those of the window. Empty if the window needed no search. */
  readonly cells: Uint32Array;
  /** Sums over all of the monitor's cells. `expected` includes the tolerance. */
  readonly sums: CellSums;
}

export interface MonitorVerdict {
  readonly monitor: string;
  readonly state: HealthState;
  /** Undefined if the state is `insufficient`. */
  readonly healthIndicator: 0 | 1 | undefined;
  /** The findings that touch the monitor, material ones first. */
  readonly findings: readonly { readonly finding: Finding; readonly isMaterial: boolean }[];
  /** See `power`. */
  readonly smallestLoss: number | undefined;
}

/** Judges a monitor by the findings that its flows cross. */
export function monitorVerdict(
  window: JudgedWindow,
  { monitor, found }: { readonly monitor: MonitorCells; readonly found: readonly Finding[] },
  p: Parameters,
): MonitorVerdict {
  const { evidence } = window.inference;
  const own = new Set(monitor.cells);
  const touching = found
    .map((finding) => ({
      finding,
      through: evidence.cellsOf(finding.construct).filter((i) => own.has(i)),
    }))
    .filter(({ through }) => through.length > 0)
    .map(({ finding, through }) => {
      const severity = finding.fault ?? finding.alarm;
      // A sick application has no severity, and is always material.
      const isMaterial =
        severity === undefined || evidence.of[severity.channel].isMaterial(through, severity);
      return { finding, isMaterial };
    })
    .sort((a, b) => Number(b.isMaterial) - Number(a.isMaterial));
  const smallestLoss = power(monitor.sums, p);
  const harm = touching.filter(({ isMaterial }) => isMaterial).map(({ finding }) => finding);
  const state = stateOf(harm, smallestLoss !== undefined && smallestLoss <= p.minPower);
  return {
    monitor: monitor.name,
    state,
    healthIndicator: state === 'insufficient' ? undefined : state === 'degraded' ? 1 : 0,
    findings: touching,
    smallestLoss,
  };
}

function stateOf(harm: readonly Finding[], isPowerful: boolean): HealthState {
  if (harm.some(({ setsIndicator }) => setsIndicator)) return 'degraded';
  if (harm.some(({ doubt }) => doubt !== undefined)) return 'suspected';
  return isPowerful ? 'healthy' : 'insufficient';
}

/**
 * The smallest loss on all of these cells that one window would have shown. N segments show an
 * excess δ over a base μ if N·[(μ+δ)·ln((μ+δ)/μ) − δ] / burstiness reaches `powerNats`. Undefined if
 * no loss would have shown.
 */
export function power({ segments, expected }: CellSums, p: Parameters): number | undefined {
  if (segments === 0) return undefined;
  const base = expected / segments;
  const nats = (excess: number) =>
    (segments / p.burstiness) * ((base + excess) * Math.log1p(excess / base) - excess);
  if (nats(1) < p.powerNats) return undefined;
  let [low, high] = [1e-6, 1];
  for (let step = 0; step < 40; step += 1) {
    const middle = Math.sqrt(low * high);
    if (nats(middle) < p.powerNats) low = middle;
    else high = middle;
  }
  return high;
}
