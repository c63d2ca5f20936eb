import { setTimeout as delay } from 'node:timers/promises';
import { type LabFinding, LabHealth, type LabVerdict, WINDOW_SECONDS } from './lab-health.ts';
import { type LabCell, labCells, value } from './lab-windows.ts';
import type { Culprit, Scenario } from './scenarios.ts';
import { TransitLab } from './transit-lab.ts';

/** Windows of each phase. Round trips are judged by five windows of history, and a few more. */
const PHASES = { healthy: 10, incident: 6, healed: 4 } as const;
type Phase = keyof typeof PHASES;

export interface SeenWindow extends LabVerdict {
  readonly phase: Phase;
  readonly cells: readonly LabCell[];
}

export interface ScenarioResult {
  readonly windows: readonly SeenWindow[];
  /** Those to be blamed that were, with the windows it took. */
  readonly named: readonly { readonly culprit: Culprit; readonly windows: number }[];
  readonly missed: readonly Culprit[];
  /** Ways whose monitor was degraded in the incident though nothing is wrong with them. */
  readonly wrong: readonly string[];
}

/** Reports of a window are in the store so long after its end, at the latest. */
const SETTLE_MILLIS = 1_500;

/**
 * Runs an incident on a network of namespaces from health to health, real agents watching kernel TCP,
 * and says what they saw and what health made of it. `tell` gets each window as it is judged.
 */
export async function runScenario(
  scenario: Scenario,
  { number = 0, tell = () => {} }: { number?: number; tell?: (window: SeenWindow) => void } = {},
): Promise<ScenarioResult> {
  const lab = await TransitLab.start(number);
  try {
    const run = new ScenarioRun(lab, tell);
    // Connections that were made while agents started are no measure.
    await delay(2 * WINDOW_SECONDS * 1_000);
    await run.windows('healthy');
    const end = await scenario.begin(lab);
    try {
      await run.windows('incident');
    } finally {
      await end();
    }
    await run.windows('healed');
    return outcome(scenario, run.seen);
  } finally {
    await lab.stop();
  }
}

class ScenarioRun {
  readonly seen: SeenWindow[] = [];
  readonly #lab: TransitLab;
  readonly #health = new LabHealth();
  readonly #tell: (window: SeenWindow) => void;

  constructor(lab: TransitLab, tell: (window: SeenWindow) => void) {
    this.#lab = lab;
    this.#tell = tell;
  }

  async windows(phase: Phase): Promise<void> {
    let startMillis = Math.ceil(Date.now() / 1_000) * 1_000;
    for (let i = 0; i < PHASES[phase]; i += 1) {
      const endMillis = startMillis + WINDOW_SECONDS * 1_000;
      await delay(Math.max(0, endMillis + SETTLE_MILLIS - Date.now()));
      await this.#lab.waitUntilStored();
      const cells = await labCells(this.#lab, { startMillis, endMillis });
      const window = { phase, cells, ...this.#health.follow(cells, startMillis / 1_000) };
      this.seen.push(window);
      this.#tell(window);
      startMillis = endMillis;
    }
  }
}

function outcome({ culprits }: Scenario, windows: readonly SeenWindow[]): ScenarioResult {
  const during = windows.filter(({ phase }) => phase === 'incident');
  const named = culprits.flatMap((culprit) => {
    const at = during.findIndex((window) => says(window, culprit));
    return at < 0 ? [] : [{ culprit, windows: at + 1 }];
  });
  const known = named.map(({ culprit }) => culprit);
  const faulty = culprits.map(({ construct }) => construct);
  const degraded = new Set(during.flatMap((window) => window.degraded));
  return {
    windows,
    named,
    missed: culprits.filter((culprit) => !known.includes(culprit)),
    wrong: [...degraded].filter((way) => !faulty.includes(way)),
  };
}

/** Whether a window blames a culprit; a way, if only its monitor says so too. */
function says({ findings, degraded }: SeenWindow, { construct, kind }: Culprit): boolean {
  const isFound = findings.some(
    (one: LabFinding) => one.construct === construct && one.kind === kind,
  );
  return isFound && (kind !== 'network' || degraded.includes(construct));
}

/** Counters of the cells of a phase together, by a name each cell is given. */
export function sumPhase(
  windows: readonly SeenWindow[],
  phase: Phase,
  nameOf: (cell: LabCell) => string,
): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const sums = new Map<string, Record<string, number>>();
  for (const cell of windows.filter((one) => one.phase === phase).flatMap(({ cells }) => cells)) {
    const sum = sums.get(nameOf(cell)) ?? {};
    sums.set(nameOf(cell), sum);
    for (const member of COUNTERS) sum[member] = (sum[member] ?? 0) + value(cell, member);
  }
  return sums;
}

export const COUNTERS = [
  'segmentsDelivered',
  'retransEst',
  'rtosEst',
  'connectAttempts',
  'retransSyn',
  'severedConnect',
  'rttUsSum',
  'rttUsCount',
] as const;
