import type { BaselineClasses, CellHistory, Cells } from '../../src/health/cells/cells.ts';
import { PARAMETERS } from '../../src/health/parameters.ts';
import { type DetectorState, detect, NOTHING_DETECTED } from '../../src/health/search/detect.ts';
import { type Inference, infer } from '../../src/health/search/infer.ts';
import { type Finding, findings } from '../../src/health/verdict/findings.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import type { Blame, Detector } from './detector.ts';
import { emptyClasses, emptyHistory, ledgerCells, ledgerConstructs } from './ledger-window.ts';

const WINDOW_SECONDS = 30;
/** An arbitrary start time: only differences matter. */
const EPOCH_SECONDS = 1_700_000_000;

/** The health indicator of this repository, `src/health`. */
export class LedgerDetector implements Detector {
  readonly name = 'nfm health';
  #history: CellHistory | undefined;
  #classes: BaselineClasses | undefined;
  #state: DetectorState = NOTHING_DETECTED;

  learn(window: SimWindow): void {
    this.#learn(window, this.#infer(window));
  }

  judge(window: SimWindow): readonly Blame[] {
    const { constructs, inference, startSeconds } = this.#infer(window);
    const found = findings({ inference, constructs, alarms: [], startSeconds }, PARAMETERS);
    return found.map(ledgerBlame);
  }

  /** Judges the next window as the server does, with alarms and history from earlier windows. */
  follow(window: SimWindow): readonly Finding[] {
    const judged = this.#infer(window);
    const { inference, constructs, startSeconds } = judged;
    const endSeconds = startSeconds + WINDOW_SECONDS;
    const detection = detect(
      this.#state,
      { inference, constructs, endSeconds, windowSeconds: WINDOW_SECONDS },
      PARAMETERS,
    );
    this.#state = detection.state;
    this.#learn(window, judged);
    const { alarms } = detection.state;
    return findings({ inference, constructs, alarms, startSeconds }, PARAMETERS);
  }

  #infer(window: SimWindow) {
    this.#history ??= emptyHistory(window.network.cells);
    this.#classes ??= emptyClasses(window.network);
    const cells = ledgerCells(window, this.#history, this.#classes);
    const startSeconds = EPOCH_SECONDS + window.index * WINDOW_SECONDS;
    const alarmed = new Set(this.#state.alarms.map(({ construct }) => construct));
    const constructs = ledgerConstructs(window, { startSeconds, alarmed });
    return { cells, constructs, startSeconds, inference: infer(cells, constructs, PARAMETERS) };
  }

  #learn(
    window: SimWindow,
    { cells, inference }: { readonly cells: Cells; readonly inference: Inference },
  ): void {
    const { history, classes } = cells;
    for (let cell = 0; cell < cells.length; cell += 1) {
      const weight = inference.lossWeight[cell] ?? 0;
      const retrans = weight * (cells.retrans[cell] ?? 0);
      const segments = weight * (cells.segments[cell] ?? 0);
      add(history.retrans, cell, retrans);
      add(history.segments, cell, segments);
      const silence = inference.silenceWeight[cell] ?? 0;
      const attempts = silence * (cells.attempts[cell] ?? 0);
      const silent = silence * (cells.silent[cell] ?? 0);
      add(history.attempts, cell, attempts);
      add(history.silent, cell, silent);
      const waited = inference.waitWeight[cell] ?? 0;
      add(history.busyMicros, cell, waited * (cells.busyMicros[cell] ?? 0));
      add(history.rwndLimitedMicros, cell, waited * (cells.rwndLimitedMicros[cell] ?? 0));
      const ofClass = cells.baselineClass[cell] ?? 0;
      add(classes.retrans, ofClass, retrans);
      add(classes.segments, ofClass, segments);
      add(classes.attempts, ofClass, attempts);
      add(classes.silent, ofClass, silent);
      this.#learnRtt(window, cell, inference.rttWeight[cell] ?? 0);
    }
  }

  #learnRtt(window: SimWindow, cell: number, weight: number): void {
    const history = this.#history;
    const mean = window.rttMean[cell] ?? 0;
    if (history === undefined || mean === 0) return;
    add(history.rttWeight, cell, weight);
    add(history.lnRtt, cell, weight * Math.log(mean));
    add(history.lnRttSquare, cell, weight * Math.log(mean) ** 2);
    add(history.lnRttMin, cell, weight * Math.log(window.rttMin[cell] ?? mean));
  }
}

const NETWORK_VERDICTS: readonly string[] = [
  'network',
  'congestion',
  'service-edge',
  'nat',
  'internet',
];

/** Converts a finding; a suspected construct counts as blamed too. */
export function ledgerBlame({ construct, kind, fault }: Finding): Blame {
  const isSized = fault?.shape === 'uniform' && fault.channel !== 'dead';
  return {
    construct,
    isNetwork: NETWORK_VERDICTS.includes(kind),
    ambiguous: (fault?.ambiguous ?? []).map((other) => other.construct),
    severity: isSized ? fault.size : undefined,
    confidence: fault === undefined ? undefined : 1 / (1 + Math.exp(-fault.score)),
  };
}

function add(sums: Float64Array, at: number, value: number): void {
  sums[at] = (sums[at] ?? 0) + value;
}
