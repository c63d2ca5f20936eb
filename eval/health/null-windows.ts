import type { CloudParameters } from '../sim/cloud-parameters.ts';
import { CloudSimulator } from '../sim/cloud-simulator.ts';
import { FaultDraw, OTHER_CLASSES } from '../sim/fault-classes.ts';
import { Random } from '../sim/random.ts';
import { LedgerDetector, ledgerBlame } from './ledger-detector.ts';

export interface NullRun {
  readonly parameters: CloudParameters;
  readonly seed: number;
  readonly windows: number;
}

export interface NullResult {
  windows: number;
  /** Windows in which the network was blamed or suspected, and windows in which the indicator was set. */
  blamed: number;
  indicated: number;
}

/** Share of windows with an extra fault of an end, beside the permanently sick hosts. */
const TROUBLED = 0.2;
const TROUBLES = OTHER_CLASSES.filter((name) => name !== 'none' && name !== 'security group');

/**
 * Judges windows without a network fault in sequence, as the server does, so every blame of the
 * network is false. The usual share of hosts and applications is sick, and one window in five has
 * one more sick host, service, endpoint or image.
 */
export function judgeNullWindows({ parameters, seed, windows }: NullRun): NullResult {
  const simulator = new CloudSimulator(parameters, seed);
  const random = new Random(seed * 13 + 1);
  const draw = new FaultDraw(simulator, random);
  const detector = new LedgerDetector();
  for (let i = 0; i < 20; i += 1) detector.learn(simulator.next());
  const result = { windows, blamed: 0, indicated: 0 };
  for (let i = 0; i < windows; i += 1) {
    const name = random.chance(TROUBLED) ? random.pick(TROUBLES) : 'none';
    const found = detector.follow(simulator.next(draw.draw(name)));
    if (found.some((finding) => ledgerBlame(finding).isNetwork)) result.blamed += 1;
    if (found.some(({ setsIndicator }) => setsIndicator)) result.indicated += 1;
  }
  return result;
}
