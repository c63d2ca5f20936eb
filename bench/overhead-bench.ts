import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachToCgroup, loadBpfObject } from '../src/agent/kernel/bpf-object.ts';
import { openLibbpf } from '../src/agent/kernel/libbpf.ts';
import { agentCommand, untilAttached } from '../src/lab/net/lab-agent.ts';
import { makeCgroup, removeCgroup } from '../src/lab/net/lab-cgroup.ts';
import { labNames } from '../src/lab/net/lab-names.ts';
import { createLabNetwork, type LabNetwork } from '../src/lab/net/lab-network.ts';
import { checkoutRoot } from '../src/lib/checkout-root.ts';

const ROOT = checkoutRoot();
const NATIVE = join(ROOT, 'bench', 'native');

/**
 * The length of a run. The machine's speed drifts, so the median over many short runs is more
 * precise than over few long ones.
 */
const MILLIS = 1_000;

interface Traffic {
  /** Arguments of `native/traffic.c`. */
  readonly args: readonly string[];
  /**
   * `network`: traffic between two hosts (network namespaces), of which only the client is watched.
   * `loopback`: traffic within a host, with both ends watched.
   */
  readonly over: 'network' | 'loopback';
}

const KINDS = {
  exchanges: { args: ['exchanges', '2000', String(MILLIS)], over: 'network' },
  exchangesWithin: { args: ['exchanges', '2000', String(MILLIS)], over: 'loopback' },
  bulk: { args: ['bulk', String(MILLIS)], over: 'network' },
  bulkWithin: { args: ['bulk', String(MILLIS)], over: 'loopback' },
  saturate: { args: ['saturate', String(MILLIS)], over: 'loopback' },
} as const satisfies Readonly<Record<string, Traffic>>;
export type TrafficKind = keyof typeof KINDS;
export const TRAFFIC_KINDS = Object.keys(KINDS) as TrafficKind[];

const NETWORK = 62;
const SERVER_ADDRESS = '10.203.2.2';
const HOSTS = [
  { name: 'client', address: '10.203.1.2/24', gateway: '10.203.1.1' },
  { name: 'server', address: `${SERVER_ADDRESS}/24`, gateway: '10.203.2.1' },
];

/**
 * The watchers of the traffic. The difference between `nobody` and `nobodyAgain` is the noise.
 * `callbacksOnly` requests the callbacks of our agent and does nothing in them, so the difference
 * between `ours` and `callbacksOnly` is our own work.
 */
export const WATCHERS = ['nobody', 'nobodyAgain', 'callbacksOnly', 'ours', 'existing'] as const;
export type Watcher = (typeof WATCHERS)[number];

/** The figures of one run of the traffic. */
export interface TrafficRun {
  /** Connections, or MiB. */
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** CPU time of the watched ends per connection or MiB, including the kernel and the callbacks. */
  readonly cpuMicrosEach: number;
}

export type OverheadRuns = Readonly<Record<TrafficKind, Readonly<Record<Watcher, TrafficRun[]>>>>;

/**
 * Runs the same traffic, over loopback and between two hosts, with each watcher: none, our whole
 * agent, its callbacks alone, and the callbacks of the existing agent without its user-space part.
 * Each watcher stays attached to a cgroup of its own. In each round the traffic runs in one cgroup
 * after the other, in a rotated order. Needs root, eBPF and clang.
 */
export async function benchOverhead(
  rounds: number,
  kinds: readonly TrafficKind[],
): Promise<OverheadRuns> {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-overhead-'));
  const network = await createLabNetwork({ number: NETWORK, hosts: HOSTS });
  const cgroups = makeCgroups();
  const stops: (() => Promise<void> | void)[] = [];
  try {
    const traffic = join(folder, 'traffic');
    execFileSync(findClang(), ['-O2', '-o', traffic, join(NATIVE, 'traffic.c')]);
    stops.push(await startAgent(cgroups.ours));
    for (const [cgroup, name] of [
      [cgroups.callbacksOnly, 'callbacks-only'],
      [cgroups.existing, 'existing-callbacks'],
    ] as const) {
      stops.push(attachProgram(cgroup, name, folder));
    }
    const runs = emptyRuns();
    for (const kind of kinds) {
      for (let round = -1; round < rounds; round += 1) {
        for (const watcher of inTurn(round)) {
          const at = { cgroup: cgroups[watcher], network };
          const run = await runTraffic(traffic, kind, at);
          // The first round only warms up pages and the agent's code.
          if (round >= 0) runs[kind][watcher].push(run);
        }
      }
    }
    return runs;
  } finally {
    for (const stop of stops) await stop();
    await network.stop();
    for (const cgroup of Object.values(cgroups)) await removeCgroup(cgroup);
    rmSync(folder, { recursive: true });
  }
}

/** Debian names the program clang-14. */
function findClang(): string {
  const found = ['clang-14', 'clang'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (found === undefined) throw new Error('cannot find clang: apt-get install clang-14');
  return found;
}

function makeCgroups(): Record<Watcher, string> {
  const { pid } = process;
  const make = (name: string): string =>
    makeCgroup(labNames({ pid, network: NETWORK, host: 0, name }).namespace);
  return {
    nobody: make('nobody'),
    nobodyAgain: make('nobody-again'),
    callbacksOnly: make('callbacks-only'),
    ours: make('ours'),
    existing: make('existing'),
  };
}

function emptyRuns(): OverheadRuns {
  const none = (): Record<Watcher, TrafficRun[]> => {
    return { nobody: [], nobodyAgain: [], callbacksOnly: [], ours: [], existing: [] };
  };
  return {
    exchanges: none(),
    exchangesWithin: none(),
    bulk: none(),
    bulkWithin: none(),
    saturate: none(),
  };
}

/** Rotates the watchers, so that each is first, second … equally often. */
function inTurn(round: number): readonly Watcher[] {
  const first = (round + WATCHERS.length) % WATCHERS.length;
  return [...WATCHERS.slice(first), ...WATCHERS.slice(0, first)];
}

async function startAgent(cgroup: string): Promise<() => Promise<void>> {
  const [program = '', ...args] = agentCommand(cgroup, {
    // No server listens there: the agent keeps its reports in memory.
    endpoint: 'http://127.0.0.1:9/publish',
    credentialsFile: '/dev/null',
    flags: ['--instance-id', 'i-0000000000000bec4', '--publish-secs', '30', '-p', 'off', '--print'],
  });
  const agent: ChildProcess = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await untilAttached(agent, cgroup);
  return async () => {
    if (agent.exitCode === null && agent.kill('SIGKILL')) await once(agent, 'exit');
  };
}

function attachProgram(cgroup: string, name: string, folder: string): () => void {
  const path = join(folder, `${name}.bpf.o`);
  const source = join(NATIVE, `${name}.bpf.c`);
  execFileSync(join(ROOT, 'scripts', 'build-bpf.sh'), [path, source]);
  const libbpf = openLibbpf();
  const loaded = loadBpfObject(libbpf, readFileSync(path));
  if (loaded.status === 'rejected') throw new Error(`cannot load ${source}: ${loaded.errno}`);
  const { pointer } = loaded.object;
  const link = attachToCgroup(libbpf, libbpf.findProgram(pointer, 'watch'), cgroup);
  return () => {
    libbpf.destroyLink(link);
    libbpf.closeObject(pointer);
  };
}

async function runTraffic(
  program: string,
  kind: TrafficKind,
  { cgroup, network }: { readonly cgroup: string; readonly network: LabNetwork },
): Promise<TrafficRun> {
  const { args, over } = KINDS[kind];
  const procs = join(cgroup, 'cgroup.procs');
  const before = cpuMicros(cgroup);
  const command = [program, ...args];
  const child =
    over === 'network'
      ? network.spawn('server', command, {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: {
            SERVER_ADDRESS,
            CLIENT_NETNS: `/run/netns/${network.host('client').namespace}`,
            CLIENT_CGROUP: procs,
          },
        })
      : spawn('sh', ['-c', 'echo $$ > "$0" && exec "$@"', procs, ...command], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  const printed: Omit<TrafficRun, 'cpuMicrosEach'> = JSON.parse(output);
  const made = (printed.perSecond * MILLIS) / 1_000;
  return { ...printed, cpuMicrosEach: (cpuMicros(cgroup) - before) / made };
}

/** CPU time of all processes that were ever in a cgroup. */
function cpuMicros(cgroup: string): number {
  const text = readFileSync(join(cgroup, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(text)?.[1]);
}
