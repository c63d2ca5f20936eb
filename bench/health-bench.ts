import type { Cells } from '../src/health/channels/registry.ts';
import type { ConstructClassName } from '../src/health/constructs/construct-class.ts';
import { buildConstructs, type Constructs } from '../src/health/constructs/constructs.ts';
import { buildCells } from '../src/health/evidence/build-cells.ts';
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

/** The number of constructs of each class; a cell traverses one of each. */
const CLASSES: Readonly<Partial<Record<ConstructClassName, number>>> = {
  host: 1_000,
  endpoint: 1_500,
  subnet: 200,
  az: 12,
  vpc: 60,
  tgw: 8,
  'tgw-attachment': 120,
  image: 100,
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
  const classes = Object.entries(CLASSES) as [ConstructClassName, number][];
  const width = classes.length;
  const path = new Uint32Array(count * width);
  const numbers = (value: (i: number) => number) => {
    const array = new Float64Array(count);
    for (let i = 0; i < count; i += 1) array[i] = value(i);
    return array;
  };
  const firsts = classes.map((_, k) =>
    classes.slice(0, k).reduce((sum, [, size]) => sum + size, 0),
  );
  for (let i = 0; i < count; i += 1) {
    for (const [k, [, size]] of classes.entries()) {
      path[i * width + k] = (firsts[k] ?? 0) + Math.floor(random() * size);
    }
  }
  const badAttachment = firsts[classes.findIndex(([name]) => name === 'tgw-attachment')];
  const segments = numbers(() => Math.floor(20 * random() ** -0.9));
  const retrans = numbers((i) => {
    const host = path[i * width] as number;
    const isBad = host < 4 || path[i * width + 6] === badAttachment;
    const rate = isBad ? 0.01 : random() < 0.004 ? 0.05 : 3e-5;
    return poisson((segments[i] as number) * rate, random);
  });
  const rtt = numbers(() => 1_000 * (1 + 0.08 * (random() + random() - 1)));
  const lnBase = 20 * Math.log(1_000);
  const attempts = numbers(() => poisson(2, random));
  const cells = buildCells({
    paths: {
      host: Uint32Array.from({ length: count }, (_, i) => path[i * width] as number),
      remote: Uint32Array.from({ length: count }, (_, i) => path[i * width + 1] as number),
      pathStart: Uint32Array.from({ length: count + 1 }, (_, i) => i * width),
      path,
    },
    counts: {
      segments,
      retrans,
      rttCount: () => 1,
      rttSum: rtt,
      rttMin: rtt,
      attempts,
      silent: (i) => ((attempts[i] as number) > 0 && random() < 2e-3 ? 1 : 0),
      busyMicros: () => 1e5,
      rwndLimitedMicros: () => 1e3,
    },
    history: {
      retrans: () => 1,
      segments: () => 30_000,
      rttWeight: () => 20,
      lnRtt: () => lnBase,
      lnRttSquare: () => (lnBase * lnBase) / 20,
      lnRttMin: () => lnBase,
      attempts: () => 40,
      busyMicros: () => 1e6,
      rwndLimitedMicros: () => 1e4,
    },
    classes: {
      retrans: Float64Array.of(100),
      segments: Float64Array.of(3e6),
      attempts: Float64Array.of(1e5),
      silent: Float64Array.of(100),
      priorLoss: Float64Array.of(5e-5),
    },
  });
  const constructs = buildConstructs({
    names: classes.flatMap(([name, size]) =>
      Array.from({ length: size }, (_, c) => `${name}:${c}`),
    ),
    classes: classes.flatMap(([name, size]) => Array.from({ length: size }, () => name)),
  });
  return { cells, constructs };
}

/** Draws by Knuth's method, which is exact and fast for small means. */
function poisson(mean: number, random: () => number): number {
  if (mean > 30) return Math.round(mean);
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > end; product *= random()) count += 1;
  return count;
}
