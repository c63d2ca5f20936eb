import { describe, expect, test } from 'vitest';
import { CLOUD } from './cloud-parameters.ts';
import { CloudSimulator } from './cloud-simulator.ts';
import { FaultDraw, NETWORK_CLASSES, OTHER_CLASSES } from './fault-classes.ts';
import { Random } from './random.ts';
import { cellsByConstruct, pathOf } from './sim-network.ts';
import type { SimWindow } from './sim-window.ts';

const WELL = { ...CLOUD, sickHosts: 0, sickCells: 0 };

function lossOf(window: SimWindow, cells: Iterable<number>): number {
  let segments = 0;
  let retrans = 0;
  for (const cell of cells) {
    segments += window.segments[cell]!;
    retrans += window.retrans[cell]!;
  }
  return retrans / segments;
}

describe('a simulated cloud', () => {
  test('is equal for equal seeds and differs for different seeds', () => {
    const windows = [51, 51, 52].map((seed) => {
      const simulator = new CloudSimulator(CLOUD, seed);
      simulator.next();
      const draw = new FaultDraw(simulator, new Random(7));
      return simulator.next(draw.draw('loss .2-5%'));
    });
    expect(windows[1]).toEqual(windows[0]);
    expect(windows[2]?.network.constructs).not.toEqual(windows[0]?.network.constructs);
  });

  test('has paths from the local host to the remote', () => {
    const { network } = new CloudSimulator(CLOUD, 1);
    const isBroken = (host: number, cell: number) => {
      const path = pathOf(network, cell);
      const isWhole = path[0] === host && path.at(-1) === network.remote[cell];
      return !isWhole || new Set(path).size !== path.length;
    };
    expect(network.host.findIndex(isBroken)).toBe(-1);
  });

  test('never retransmits more than it sends, whatever the fault', () => {
    const simulator = new CloudSimulator(CLOUD, 2);
    const draw = new FaultDraw(simulator, new Random(3));
    for (const name of [...NETWORK_CLASSES, ...OTHER_CLASSES]) {
      const { segments, retrans, rttMean, rttMin } = simulator.next(draw.draw(name));
      expect(segments.findIndex((sent, cell) => retrans[cell]! > sent)).toBe(-1);
      expect(rttMean.findIndex((mean, cell) => rttMin[cell]! > mean * 1.0001)).toBe(-1);
    }
  });

  test('a fault affects the cells that cross its construct and no others', () => {
    const simulator = new CloudSimulator(WELL, 4);
    const construct = simulator.network.constructs.findIndex(({ kind }) => kind === 'attachment');
    const window = simulator.next({
      faults: [{ construct, kind: 'loss', severity: 0.02, share: 1 }],
    });
    const through = new Set(cellsByConstruct(simulator.network)[construct]);
    const others = Array.from({ length: simulator.network.cells }, (_, cell) => cell).filter(
      (cell) => !through.has(cell),
    );
    expect(lossOf(window, through)).toBeGreaterThan(0.012);
    expect(lossOf(window, through)).toBeLessThan(0.04);
    expect(lossOf(window, others)).toBeLessThan(0.002);
  });

  test('a report with a limit keeps the flows with most loss', () => {
    const simulator = new CloudSimulator({ ...WELL, topFlows: 2 }, 5);
    const { network, segments, connects } = simulator.next();
    const kept = new Map<number, number>();
    network.host.forEach((host, cell) => {
      if (segments[cell]! > 0 || connects[cell]! > 0) kept.set(host, (kept.get(host) ?? 0) + 1);
    });
    expect(Math.max(...kept.values())).toBe(2);
  });
});
