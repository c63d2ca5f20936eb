import { parseArgs } from 'node:util';
import { formatRows } from '../../src/lib/format-rows.ts';
import { CLOUD, type CloudParameters } from '../sim/cloud-parameters.ts';
import { FAT_TREE, type FabricParameters, TWO_POD_CLOS } from '../sim/fabric-simulator.ts';
import { NETWORK_CLASSES, OTHER_CLASSES } from '../sim/fault-classes.ts';
import { cloudCases } from './cloud-cases.ts';
import type { Detector } from './detector.ts';
import { type FabricRow, fabricCases } from './fabric-cases.ts';
import { type IncidentKind, IncidentRun } from './incidents.ts';
import { contestant, judgeAll } from './judge.ts';
import { LedgerDetector } from './ledger-detector.ts';
import { METHODS, type Method } from './methods.ts';
import { judgeNullWindows } from './null-windows.ts';
import {
  calibrationTable,
  classTable,
  fabricTable,
  INCIDENT_TITLES,
  incidentRow,
  methodTable,
  type NamedScores,
} from './tables.ts';
import { printTuning, TRAINING_SEEDS } from './tune.ts';

const HELD_OUT_SEEDS = [51, 52, 53, 54];
const NULL_SEED = 1_000;
const HISTORY = 20;

const { values } = parseArgs({
  options: {
    tune: { type: 'boolean' },
    stress: { type: 'boolean' },
    null: { type: 'string' },
    windows: { type: 'string', default: '10' },
  },
});

const windowsPerClass = Object.fromEntries([
  ...[...NETWORK_CLASSES, ...OTHER_CLASSES].map((name) => [name, Number(values.windows)]),
  ['none', 3 * Number(values.windows)],
]);

if (values.tune) printTuning();
else if (values.null !== undefined) printNull(Number(values.null), 500);
else if (values.stress) printStress();
else printAll();

function printAll(): void {
  console.log(`S1: a simulated cloud ${JSON.stringify(CLOUD)}`);
  for (const [title, seeds] of [
    ['training', TRAINING_SEEDS],
    ['held-out', HELD_OUT_SEEDS],
  ] as const) {
    const scores = cloudScores(CLOUD, seeds);
    console.log(`\nS1, ${title} topologies ${seeds.join(', ')}\n${methodTable(scores)}`);
    const own = scores[0]?.score;
    if (own === undefined || seeds === TRAINING_SEEDS) continue;
    console.log(`\nS1, ${title}, nfm health by class\n${classTable(own)}`);
    console.log(`\nS1, ${title}, calibration\n${calibrationTable(own)}`);
  }
  printIncidents();
  printFabric(FAT_TREE, links(0.005, 0.02, [1, 4, 8]));
  printFabric(FAT_TREE, [
    ...links(0.002, 0.02, [4]),
    { kind: 'switch', count: 1, range: [0.005, 0.02] },
  ]);
  printFabric({ ...FAT_TREE, name: 'fat tree k=10, skewed', skew: 0.5 }, links(0.005, 0.02, [4]));
  printFabric(TWO_POD_CLOS, links(0.001, 0.01, [1, 4, 10]));
  printNull(2_000, 200);
}

function cloudScores(parameters: CloudParameters, seeds: readonly number[]): NamedScores {
  const entries = contestants('cloud');
  for (const seed of seeds) {
    judgeAll(cloudCases({ parameters, seed, history: HISTORY, windowsPerClass }), entries);
  }
  return named(entries);
}

function printIncidents(): void {
  const kinds: readonly IncidentKind[] = [
    { name: 'loss 0.5-30%', kind: 'loss', severity: [0.005, 0.3] },
    { name: 'loss 0.08-0.15%', kind: 'loss', severity: [0.0008, 0.0015] },
    { name: 'latency 10-30 ms', kind: 'latency', severity: [10_000, 30_000] },
  ];
  const rows = kinds.map((kind) => {
    const times = HELD_OUT_SEEDS.map((seed) => new IncidentRun(seed).run(15, kind));
    return incidentRow(kind.name, {
      detect: times.flatMap(({ detect }) => detect),
      clear: times.flatMap(({ clear }) => clear),
    });
  });
  console.log(
    `\nS1, incidents in a row, alarms by e-value\n${formatRows([INCIDENT_TITLES, ...rows])}`,
  );
}

function printFabric(parameters: FabricParameters, rows: readonly FabricRow[]): void {
  const entries = contestants('fabric');
  for (const seed of HELD_OUT_SEEDS.slice(0, 2)) {
    judgeAll(fabricCases({ parameters, seed, history: 3, rows, windows: 4 }), entries);
  }
  console.log(
    `\nS2, ${JSON.stringify(parameters)}, precision/recall\n${fabricTable(named(entries))}`,
  );
}

/** Judges clouds that break the assumptions, with our method only. */
function printStress(): void {
  const stresses: Readonly<Record<string, Partial<CloudParameters>>> = {
    'as is': {},
    'agents on 20% of hosts': { agentShare: 0.2 },
    'agents on 5% of hosts, 4,000 cells': { agentShare: 0.05, cells: 4_000 },
    '2,000 cells': { cells: 2_000 },
    'bursts of 3': { burst: 3 },
    'base loss spread 1.8': { lossPersistence: 1.8 },
    'four times the sick hosts and applications': { sickHosts: 0.016, sickCells: 0.016 },
    'host noise 1': { hostNoise: 1 },
    'round trips drift by 10%': { rttDrift: 0.1 },
    'reports keep 8 flows': { topFlows: 8 },
  };
  const scores = Object.entries(stresses).map(([name, change]) => {
    const entry = contestant(() => new LedgerDetector());
    for (const seed of HELD_OUT_SEEDS.slice(0, 2)) {
      const run = { parameters: { ...CLOUD, ...change }, seed, history: HISTORY, windowsPerClass };
      judgeAll(cloudCases(run), [entry]);
    }
    return { name, score: entry.score };
  });
  console.log(`S1 otherwise, topologies 51, 52, nfm health\n${methodTable(scores)}`);
}

function printNull(windows: number, perTopology: number): void {
  const sum = { windows: 0, blamed: 0, indicated: 0 };
  for (let seed = NULL_SEED; sum.windows < windows; seed += 1) {
    const run = { parameters: CLOUD, seed, windows: Math.min(perTopology, windows - sum.windows) };
    const result = judgeNullWindows(run);
    sum.windows += result.windows;
    sum.blamed += result.blamed;
    sum.indicated += result.indicated;
  }
  const bound = (events: number) =>
    `at most ${(upperBound(events) / windows).toExponential(1)} a window (95%)`;
  console.log(
    `\nS1, ${windows} windows with nothing wrong with the network, ${perTopology} a topology from ${NULL_SEED}`,
  );
  console.log(`  the network blamed, if only as suspected: ${sum.blamed}: ${bound(sum.blamed)}`);
  console.log(`  the indicator set: ${sum.indicated}: ${bound(sum.indicated)}`);
}

/** The 95% upper confidence limit of a Poisson mean after a number of events (3.0 for 0 events). */
function upperBound(events: number): number {
  const atMost = (mean: number) => {
    let term = Math.exp(-mean);
    let sum = term;
    for (let k = 1; k <= events; k += 1) {
      term *= mean / k;
      sum += term;
    }
    return sum;
  };
  let [low, high] = [0, 10 + 3 * events];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

function links(from: number, to: number, counts: readonly number[]): readonly FabricRow[] {
  return counts.map((count) => ({ kind: 'link', count, range: [from, to] }));
}

function contestants(world: 'cloud' | 'fabric') {
  const others = Object.values(METHODS).map(
    (method) => () => tuned(method as Method<object>, world),
  );
  const ours = (): Detector => new LedgerDetector();
  return [ours, ...others].map(contestant);
}

function tuned<P>({ make, tuned: parameters }: Method<P>, world: 'cloud' | 'fabric'): Detector {
  return make(parameters[world]);
}

function named(entries: readonly ReturnType<typeof contestant>[]): NamedScores {
  return entries.map(({ make, score }) => ({ name: make().name, score }));
}
