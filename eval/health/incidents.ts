import { CLOUD } from '../sim/cloud-parameters.ts';
import { CloudSimulator } from '../sim/cloud-simulator.ts';
import { FaultDraw } from '../sim/fault-classes.ts';
import { Random } from '../sim/random.ts';
import type { FaultKind, SimWindow } from '../sim/sim-window.ts';
import { LedgerDetector, ledgerBlame } from './ledger-detector.ts';

export interface IncidentKind {
  readonly name: string;
  readonly kind: FaultKind;
  readonly severity: readonly [number, number];
}

export interface IncidentTimes {
  /** Windows from the first with the fault to the first with its alarm; Infinity if there is none. */
  readonly detect: number[];
  /** Windows from the first without the fault to the first that does not blame its construct. */
  readonly clear: number[];
}

const BEFORE = 2;
const MAX_FAULTY = 20;
const MAX_AFTER = 20;

/**
 * Runs incidents in sequence on one cloud. Like the server, keeps alarms and history from window to
 * window. A fault begins at a random time within its first window.
 */
export class IncidentRun {
  readonly #simulator: CloudSimulator;
  readonly #detector = new LedgerDetector();
  readonly #draw: FaultDraw;
  readonly #random: Random;

  constructor(seed: number) {
    this.#simulator = new CloudSimulator(CLOUD, seed);
    this.#random = new Random(seed * 17 + 3);
    this.#draw = new FaultDraw(this.#simulator, this.#random);
    for (let i = 0; i < 20; i += 1) this.#detector.learn(this.#simulator.next());
  }

  run(count: number, { kind, severity }: IncidentKind): IncidentTimes {
    const times: IncidentTimes = { detect: [], clear: [] };
    for (let i = 0; i < count; i += 1) {
      const size = this.#random.logUniform(...severity);
      const faults = this.#draw.shared(kind, size).faults;
      const construct = faults[0]?.construct ?? 0;
      for (let k = 0; k < BEFORE; k += 1) this.#isNamed(this.#simulator.next(), construct);
      const detected = this.#windowsUntil(MAX_FAULTY, (k) => {
        const onset = k === 0 ? this.#random.uniform(0, 1) : 1;
        return this.#isNamed(this.#simulator.next({ faults, onset }), construct);
      });
      times.detect.push(detected);
      if (detected === Number.POSITIVE_INFINITY) continue;
      times.clear.push(
        this.#windowsUntil(MAX_AFTER, () => !this.#isNamed(this.#simulator.next(), construct)),
      );
    }
    return times;
  }

  #windowsUntil(max: number, isReached: (window: number) => boolean): number {
    for (let k = 0; k < max; k += 1) if (isReached(k)) return k + 1;
    return Number.POSITIVE_INFINITY;
  }

  #isNamed(window: SimWindow, construct: number): boolean {
    const found = this.#detector.follow(window);
    return found.some(
      (finding) =>
        finding.construct === construct &&
        finding.alarm !== undefined &&
        ledgerBlame(finding).isNetwork,
    );
  }
}
