import { expect, test } from 'vitest';
import { CLOUD } from '../sim/cloud-parameters.ts';
import { NETWORK_CLASSES, OTHER_CLASSES } from '../sim/fault-classes.ts';
import { cloudCases } from './cloud-cases.ts';
import { contestant, judgeAll } from './judge.ts';
import { LedgerDetector } from './ledger-detector.ts';
import { judgeNullWindows } from './null-windows.ts';
import { precision, recall } from './score.ts';

// A smaller cloud than in `npm run bench:health`, so that the test takes only seconds.
const SMALL = { ...CLOUD, hosts: 240, cells: 3_000 };

test('500 windows with sick hosts and applications, and nothing wrong with the network, blame it never', () => {
  const result = judgeNullWindows({ parameters: SMALL, seed: 71, windows: 500 });
  expect(result).toEqual({ windows: 500, blamed: 0, indicated: 0 });
}, 120_000);

test('faults of shared constructs are found and named, and hosts are not called the network', () => {
  const entry = contestant(() => new LedgerDetector());
  const windowsPerClass = Object.fromEntries(
    [...NETWORK_CLASSES, ...OTHER_CLASSES]
      .filter((name) => name !== 'security group')
      .map((name) => [name, 2]),
  );
  judgeAll(cloudCases({ parameters: CLOUD, seed: 72, history: 20, windowsPerClass }), [entry]);
  const total = entry.score.total();
  expect(precision(total)).toBeGreaterThan(0.9);
  expect(recall(total)).toBeGreaterThan(0.8);
  expect(entry.score.total(OTHER_CLASSES).wrongWindows).toBe(0);
  expect(entry.score.total(['host', 'remote service', 'bad image'])).toMatchObject({
    others: 6,
    othersNamed: 6,
  });
}, 120_000);
