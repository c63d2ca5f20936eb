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
  /** Windows in which the network was blamed, if only as suspected, and in which the indicator was set. */
  blamed: number;
  indicated: number;
}

/** Share of windows with trouble of an end beyond what is always on. */
const TROUBLED = 0.2;
const TROUBLES = OTHER_CLASSES.filter((name) => name !== 'none' && name !== 'security group');

/**
 * Windows in which nothing is wrong with the network, judged one after another as the server does:
 * every blame of it is false. Hosts and applications are sick as always; one window in five has a
 * sick host, service, endpoint or image besides.
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
