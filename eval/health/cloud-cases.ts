import type { CloudParameters } from '../sim/cloud-parameters.ts';
import { CloudSimulator } from '../sim/cloud-simulator.ts';
import { type FaultClass, FaultDraw } from '../sim/fault-classes.ts';
import { Random } from '../sim/random.ts';
import type { SimWindow } from '../sim/sim-window.ts';

export interface CloudRun {
  readonly parameters: CloudParameters;
  /** The seed of the topology, its traffic and its faults. */
  readonly seed: number;
  /** Windows without a shared fault at the start, from which methods learn. */
  readonly history: number;
  readonly windowsPerClass: Readonly<Partial<Record<FaultClass, number>>>;
}

export interface Case {
  /** `history`, or the fault class of the window. */
  readonly name: string;
  readonly window: SimWindow;
}

/** Yields a cloud's history, then the windows of each class, which are judged independently. */
export function* cloudCases({
  parameters,
  seed,
  history,
  windowsPerClass,
}: CloudRun): Generator<Case> {
  const simulator = new CloudSimulator(parameters, seed);
  const draw = new FaultDraw(simulator, new Random(seed * 31 + 7));
  for (let i = 0; i < history; i += 1) yield { name: 'history', window: simulator.next() };
  for (const [name, windows] of Object.entries(windowsPerClass)) {
    for (let i = 0; i < windows; i += 1) {
      const request = draw.draw(name as FaultClass);
      yield { name, window: simulator.next(request) };
    }
  }
}
