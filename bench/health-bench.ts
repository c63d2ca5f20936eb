import type { CellPaths } from '../src/health/cells/cells.ts';
import type { Cells } from '../src/health/channels/registry.ts';
import type { ConstructClassName } from '../src/health/constructs/construct-class.ts';
import { buildConstructs, type Constructs } from '../src/health/constructs/constructs.ts';
import { buildCells, type CellParts } from '../src/health/evidence/build-cells.ts';
import { PARAMETERS } from '../src/health/parameters.ts';
import { infer } from '../src/health/search/infer.ts';
import { seededRandom } from '../src/lib/testing.ts';

export interface HealthBenchResult {
  readonly cells: number;
  readonly seconds: number;
  /** CPU time of all threads; on a busy machine it varies less than the elapsed time. */
  readonly cpuSeconds: number;
  readonly faults: number;
  readonly peakMemoryMib: number;
}

/** The number of constructs of each class; a cell traverses one of each, in this order. */
const CLASSES: readonly (readonly [ConstructClassName, number])[] = [
  ['host', 1_000],
  ['endpoint', 1_500],
  ['subnet', 200],
  ['az', 12],
  ['vpc', 60],
  ['tgw', 8],
  ['tgw-attachment', 120],
  ['image', 100],
];
const WIDTH = CLASSES.length;
/** The index of each class's first construct. */
const FIRSTS = CLASSES.map((_, k) => CLASSES.slice(0, k).reduce((sum, [, size]) => sum + size, 0));
const ATTACHMENT = CLASSES.findIndex(([name]) => name === 'tgw-attachment');
const BAD_HOSTS = 4;

const LN_RTT_SUM = 20 * Math.log(1_000);
/** Twenty healthy windows with round trips of 1 ms, the same for each cell. */
const HISTORY = {
  retrans: () => 1,
  segments: () => 30_000,
  rttWeight: () => 20,
  lnRtt: () => LN_RTT_SUM,
  lnRttSquare: () => (LN_RTT_SUM * LN_RTT_SUM) / 20,
  lnRttMin: () => LN_RTT_SUM,
  attempts: () => 40,
  busyMicros: () => 1e6,
  rwndLimitedMicros: () => 1e4,
};

/**
 * Runs first pass and search over one window. Each cell traverses eight of 3,000 constructs. A few
 * cells and hosts lose packets, and one transit gateway attachment loses 1%.
 */
export function benchHealth(count: number): HealthBenchResult {
  const { cells, constructs } = makeWindow(count);
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  const { faults } = infer(cells, constructs, PARAMETERS);
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    cells: count,
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (user + system) / 1e6,
    faults: faults.length,
    peakMemoryMib: process.resourceUsage().maxRSS / 1024,
  };
}

function makeWindow(count: number): { cells: Cells; constructs: Constructs } {
  const random = seededRandom(7);
  const paths = drawPaths(count, random);
  const cells = buildCells({
    paths,
    counts: drawCounts(paths, random),
    history: HISTORY,
    classes: {
      retrans: Float64Array.of(100),
      segments: Float64Array.of(3e6),
      attempts: Float64Array.of(1e5),
      silent: Float64Array.of(100),
      priorLoss: Float64Array.of(5e-5),
    },
  });
  const constructs = buildConstructs({
    names: CLASSES.flatMap(([name, size]) =>
      Array.from({ length: size }, (_, c) => `${name}:${c}`),
    ),
    classes: CLASSES.flatMap(([name, size]) => Array.from({ length: size }, () => name)),
  });
  return { cells, constructs };
}

function drawPaths(count: number, random: () => number): CellPaths {
  const path = new Uint32Array(count * WIDTH);
  for (let i = 0; i < count; i += 1) {
    for (const [k, [, size]] of CLASSES.entries()) {
      path[i * WIDTH + k] = (FIRSTS[k] ?? 0) + Math.floor(random() * size);
    }
  }
  return {
    host: Uint32Array.from({ length: count }, (_, i) => path[i * WIDTH] ?? 0),
    remote: Uint32Array.from({ length: count }, (_, i) => path[i * WIDTH + 1] ?? 0),
    pathStart: Uint32Array.from({ length: count + 1 }, (_, i) => i * WIDTH),
    path,
  };
}

function drawCounts({ host, path }: CellPaths, random: () => number): CellParts['counts'] {
  const numbers = (value: (i: number) => number) => {
    const array = new Float64Array(host.length);
    for (let i = 0; i < host.length; i += 1) array[i] = value(i);
    return array;
  };
  const segments = numbers(() => Math.floor(20 * random() ** -0.9));
  const retrans = numbers((i) => {
    const isBadHost = (host[i] ?? 0) < BAD_HOSTS;
    const isBad = isBadHost || path[i * WIDTH + ATTACHMENT] === FIRSTS[ATTACHMENT];
    const rate = isBad ? 0.01 : random() < 0.004 ? 0.05 : 3e-5;
    return poisson((segments[i] ?? 0) * rate, random);
  });
  const rtt = numbers(() => 1_000 * (1 + 0.08 * (random() + random() - 1)));
  const attempts = numbers(() => poisson(2, random));
  return {
    segments,
    retrans,
    rttCount: () => 1,
    rttSum: rtt,
    rttMin: rtt,
    attempts,
    silent: (i) => ((attempts[i] ?? 0) > 0 && random() < 2e-3 ? 1 : 0),
    busyMicros: () => 1e5,
    rwndLimitedMicros: () => 1e3,
  };
}

/** Draws by Knuth's method, which is exact and fast for small means. */
function poisson(mean: number, random: () => number): number {
  if (mean > 30) return Math.round(mean);
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > end; product *= random()) count += 1;
  return count;
}
