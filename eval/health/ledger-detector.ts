import { PARAMETERS } from '../../src/health/parameters.ts';
import { type DetectorState, detect, NOTHING_DETECTED } from '../../src/health/search/detect.ts';
import { infer } from '../../src/health/search/infer.ts';
import { learnWindow } from '../../src/health/search/learn-window.ts';
import { type Finding, findings } from '../../src/health/verdict/findings.ts';
import type { SimWindow } from '../sim/sim-window.ts';
import type { Blame, Detector } from './detector.ts';
import {
  type LedgerHistory,
  ledgerCells,
  ledgerConstructs,
  newLedgerHistory,
} from './ledger-window.ts';

const WINDOW_SECONDS = 30;
/** An arbitrary start time: only differences matter. */
const EPOCH_SECONDS = 1_700_000_000;

/** The health indicator of this repository, `src/health`. */
export class LedgerDetector implements Detector {
  readonly name = 'nfm health';
  #history: LedgerHistory | undefined;
  #state: DetectorState = NOTHING_DETECTED;

  learn(window: SimWindow): void {
    learnWindow(this.#infer(window).inference);
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
    learnWindow(inference);
    const { alarms } = detection.state;
    return findings({ inference, constructs, alarms, startSeconds }, PARAMETERS);
  }

  #infer(window: SimWindow) {
    this.#history ??= newLedgerHistory(window.network);
    const cells = ledgerCells(window, this.#history);
    const startSeconds = EPOCH_SECONDS + window.index * WINDOW_SECONDS;
    const alarmed = new Set(this.#state.alarms.map(({ construct }) => construct));
    const constructs = ledgerConstructs(window, { startSeconds, alarmed });
    return { constructs, startSeconds, inference: infer(cells, constructs, PARAMETERS) };
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
