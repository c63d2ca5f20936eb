import { infer } from '../../health/infer.ts';
import { PARAMETERS } from '../../health/parameters.ts';
import { type DetectorState, detect, NOTHING_DETECTED } from '../../health/sequential.ts';
import { type Finding, findings } from '../../health/verdict.ts';
import { CellHistories, healthCells, type LabCell, labConstructs } from './lab-windows.ts';
import type { Culprit } from './scenarios.ts';

export const WINDOW_SECONDS = 2;

/** A finding with the names of the lab. */
export interface LabFinding extends Culprit {
  readonly setsIndicator: boolean;
  /** e.g. `loss 3.1%`, `latency 48 ms`. */
  readonly what: string;
}

/** `src/health` over what the agents of a lab reported, window after window, with the lab's paths. */
export class LabHealth {
  readonly #histories = new CellHistories();
  #state: DetectorState = NOTHING_DETECTED;

  follow(seen: readonly LabCell[], startSeconds: number): readonly LabFinding[] {
    const cells = healthCells(seen, this.#histories);
    const constructs = labConstructs(new Set(this.#state.alarms.map((alarm) => alarm.construct)));
    const inference = infer(cells, constructs, PARAMETERS);
    const endSeconds = startSeconds + WINDOW_SECONDS;
    const window = { inference, constructs, endSeconds, windowSeconds: WINDOW_SECONDS };
    this.#state = detect(this.#state, window, PARAMETERS).state;
    seen.forEach((cell, i) => {
      const { lossWeight, rttWeight } = inference;
      this.#histories.learn(cell, { loss: lossWeight[i] ?? 0, rtt: rttWeight[i] ?? 0 });
    });
    const { alarms } = this.#state;
    return findings({ inference, constructs, alarms, startSeconds }, PARAMETERS).map((finding) => ({
      construct: constructs.names[finding.construct] ?? '',
      kind: finding.kind,
      setsIndicator: finding.setsIndicator,
      what: describe(finding),
    }));
  }
}

function describe({ fault, alarm }: Finding): string {
  if (fault === undefined) return alarm === undefined ? 'connections refused' : 'alarm goes on';
  const { channel, shape, size } = fault;
  if (channel === 'latency') return `latency +${(size / 1_000).toFixed(1)} ms`;
  const percent = `${(size * 100).toFixed(1)}%`;
  return shape === 'fraction' ? `${channel} of ${percent} of its cells` : `${channel} ${percent}`;
}
