import { setTimeout as delay } from 'node:timers/promises';
import { type LabFinding, LabHealth, type LabVerdict, WINDOW_SECONDS } from './lab-health.ts';
import { type LabCell, labCells, value } from './lab-windows.ts';
import type { Culprit, Scenario } from './scenarios.ts';
import { TransitLab } from './transit-lab.ts';

/** Windows of each phase. Health judges round trips after five windows of history. */
const PHASES = { healthy: 10, incident: 6, healed: 4 } as const;
type Phase = keyof typeof PHASES;

export interface JudgedWindow extends LabVerdict {
  readonly phase: Phase;
  readonly cells: readonly LabCell[];
}

export interface ScenarioResult {
  readonly windows: readonly JudgedWindow[];
  /** Culprits that health blamed, with the number of windows that it took. */
  readonly named: readonly { readonly culprit: Culprit; readonly windows: number }[];
  readonly missed: readonly Culprit[];
  /** Routes without a fault whose monitor was degraded during the incident. */
  readonly wrong: readonly string[];
}

/** Agents report every second; this long after a window's end its last reports have arrived. */
const SETTLE_MILLIS = 1_500;

/**
 * Runs a scenario on a network of namespaces with real agents: healthy windows, the incident, and
 * healthy windows again. `onWindow` receives each window when it has been judged.
 */
export async function runScenario(
  scenario: Scenario,
  {
    number = 0,
    onWindow = () => {},
  }: { number?: number; onWindow?: (window: JudgedWindow) => void } = {},
): Promise<ScenarioResult> {
  const lab = await TransitLab.start(number);
  try {
    const run = new ScenarioRun(lab, onWindow);
    // Skip the connections that were made while the agents started.
    await delay(2 * WINDOW_SECONDS * 1_000);
    await run.windows('healthy');
    const end = await scenario.begin(lab);
    try {
      await run.windows('incident');
    } finally {
      await end();
    }
    await run.windows('healed');
    return outcome(scenario, run.observed);
  } finally {
    await lab.stop();
  }
}

class ScenarioRun {
  readonly observed: JudgedWindow[] = [];
  readonly #lab: TransitLab;
  readonly #health = new LabHealth();
  readonly #onWindow: (window: JudgedWindow) => void;

  constructor(lab: TransitLab, onWindow: (window: JudgedWindow) => void) {
    this.#lab = lab;
    this.#onWindow = onWindow;
  }

  async windows(phase: Phase): Promise<void> {
    let startMillis = Math.ceil(Date.now() / 1_000) * 1_000;
    for (let i = 0; i < PHASES[phase]; i += 1) {
      const endMillis = startMillis + WINDOW_SECONDS * 1_000;
      await delay(Math.max(0, endMillis + SETTLE_MILLIS - Date.now()));
      await this.#lab.waitUntilStored();
      const cells = await labCells(this.#lab, { startMillis, endMillis });
      const window = { phase, cells, ...this.#health.follow(cells, startMillis / 1_000) };
      this.observed.push(window);
      this.#onWindow(window);
      startMillis = endMillis;
    }
  }
}

function outcome({ culprits }: Scenario, windows: readonly JudgedWindow[]): ScenarioResult {
  const during = windows.filter(({ phase }) => phase === 'incident');
  const named = culprits.flatMap((culprit) => {
    const at = during.findIndex((window) => blames(window, culprit));
    return at < 0 ? [] : [{ culprit, windows: at + 1 }];
  });
  const known = named.map(({ culprit }) => culprit);
  const faulty = culprits.map(({ construct }) => construct);
  const degraded = new Set(during.flatMap((window) => window.degraded));
  return {
    windows,
    named,
    missed: culprits.filter((culprit) => !known.includes(culprit)),
    wrong: [...degraded].filter((route) => !faulty.includes(route)),
  };
}

/** Whether a window blames a culprit; for a network culprit its monitor must be degraded too. */
function blames({ findings, degraded }: JudgedWindow, { construct, kind }: Culprit): boolean {
  const isFound = findings.some(
    (one: LabFinding) => one.construct === construct && one.kind === kind,
  );
  return isFound && (kind !== 'network' || degraded.includes(construct));
}

/** Sums the counters of a phase's cells, grouped by `nameOf`. */
export function sumPhase(
  windows: readonly JudgedWindow[],
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
