import type { Cells } from '../../health/channels/registry.ts';
import { PARAMETERS } from '../../health/parameters.ts';
import { type DetectorState, detect, NOTHING_DETECTED } from '../../health/search/detect.ts';
import { type Inference, infer } from '../../health/search/infer.ts';
import { learnWindow } from '../../health/search/learn-window.ts';
import { type Finding, findings } from '../../health/verdict/findings.ts';
import { type MonitorCells, monitorVerdict } from '../../health/verdict/monitor-verdict.ts';
import { CellHistories, healthCells, type LabCell, labConstructs, routeTo } from './lab-windows.ts';
import type { Culprit } from './scenarios.ts';
import { ROUTES } from './transit-lab.ts';

export const WINDOW_SECONDS = 2;

/** A finding of health, with the construct's name in the lab. */
export interface LabFinding extends Culprit {
  /** e.g. `loss 3.1%`, `latency +48 ms`. */
  readonly what: string;
}

export interface LabVerdict {
  readonly findings: readonly LabFinding[];
  /** Routes whose monitor has health indicator 1. */
  readonly degraded: readonly string[];
}

/**
 * Judges the windows of a lab with `src/health`, using the agents' reports and the lab's own paths.
 * Each route has a monitor of all flows that take it.
 */
export class LabHealth {
  readonly #histories = new CellHistories();
  #state: DetectorState = NOTHING_DETECTED;

  follow(observed: readonly LabCell[], startSeconds: number): LabVerdict {
    const cells = healthCells(observed, this.#histories);
    const constructs = labConstructs(new Set(this.#state.alarms.map((alarm) => alarm.construct)));
    const inference = infer(cells, constructs, PARAMETERS);
    const endSeconds = startSeconds + WINDOW_SECONDS;
    const detected = { inference, constructs, endSeconds, windowSeconds: WINDOW_SECONDS };
    this.#state = detect(this.#state, detected, PARAMETERS).state;
    const window = { inference, constructs, alarms: this.#state.alarms, startSeconds };
    const found = findings(window, PARAMETERS);
    const degraded = Object.keys(ROUTES).filter((route) => {
      const monitor = monitorOf(route, { observed, cells, inference });
      return monitorVerdict(window, { monitor, found }, PARAMETERS).healthIndicator === 1;
    });
    const named = found.map((finding) => ({
      construct: constructs.names[finding.construct] ?? '',
      kind: finding.kind,
      what: describe(finding),
    }));
    // Learn last: learning changes the history that the findings are judged by.
    learnWindow(inference);
    this.#histories.keep(observed, cells);
    return { findings: named, degraded };
  }
}

interface Judged {
  readonly observed: readonly LabCell[];
  readonly cells: Cells;
  readonly inference: Inference;
}

function monitorOf(route: string, { observed, cells, inference }: Judged): MonitorCells {
  const own = Uint32Array.from(
    observed.flatMap(({ server }, i) => (routeTo(server) === route ? [i] : [])),
  );
  const sums = { cells: own.length, segments: 0, retrans: 0, expected: 0, known: 0 };
  for (const i of own) {
    const segments = cells.segments[i] ?? 0;
    sums.segments += segments;
    sums.retrans += cells.retrans[i] ?? 0;
    sums.expected += segments * (inference.evidence.of.loss.tolerated[i] ?? 0);
    if ((cells.history.segments[i] ?? 0) > 0) sums.known += 1;
  }
  return { name: route, cells: own, sums };
}

function describe({ fault, alarm, cause }: Finding): string {
  if (fault === undefined) return cause ?? (alarm === undefined ? '' : 'alarm goes on');
  const { channel, shape, size } = fault;
  if (channel === 'latency') return `latency +${(size / 1_000).toFixed(1)} ms`;
  const percent = `${(size * 100).toFixed(1)}%`;
  return shape === 'fraction' ? `${channel} of ${percent} of its cells` : `${channel} ${percent}`;
}
