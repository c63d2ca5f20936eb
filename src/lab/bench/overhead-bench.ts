import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attachToCgroup, loadBpfObject } from '../../agent/kernel/bpf-object.ts';
import { openLibbpf } from '../../agent/kernel/libbpf.ts';
import { agentCommand, untilAttached } from '../net/lab-agent.ts';
import { makeCgroup, removeCgroup } from '../net/lab-cgroup.ts';
import { labNames } from '../net/lab-names.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NATIVE = join(ROOT, 'src', 'lab', 'bench', 'native');

/**
 * Short, as the machine changes too: of so many runs the median of the changes says more than of
 * few long ones.
 */
const MILLIS = 1_000;

interface Traffic {
  /** As `native/traffic.c` takes it. */
  readonly args: readonly string[];
  /** Which ends of its connections are in the watched cgroup: a host on a network has one. */
  readonly watched: 'both ends' | 'one end';
}

const KINDS = {
  exchanges: { args: ['exchanges', '2000', String(MILLIS)], watched: 'one end' },
  exchangesWithin: { args: ['exchanges', '2000', String(MILLIS)], watched: 'both ends' },
  bulk: { args: ['bulk', String(MILLIS)], watched: 'one end' },
  bulkWithin: { args: ['bulk', String(MILLIS)], watched: 'both ends' },
  saturate: { args: ['saturate', String(MILLIS)], watched: 'both ends' },
} as const satisfies Readonly<Record<string, Traffic>>;
export type TrafficKind = keyof typeof KINDS;
export const TRAFFIC_KINDS = Object.keys(KINDS) as TrafficKind[];

/**
 * Who watches the traffic: nobody twice, so that the difference of the two is the noise, and a
 * program that asks for our callbacks and does nothing, so that the difference to it is our work.
 */
export const WATCHERS = ['nobody', 'nobodyAgain', 'callbacksOnly', 'ours', 'existing'] as const;
export type Watcher = (typeof WATCHERS)[number];

/** Of one run of the traffic. */
export interface TrafficRun {
  /** Connections, or MiB. */
  readonly perSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** CPU of the watched ends, the kernel's work and its callbacks included, a connection or MiB. */
  readonly cpuMicrosEach: number;
}

export type OverheadRuns = Readonly<Record<TrafficKind, Readonly<Record<Watcher, TrafficRun[]>>>>;

/**
 * The same traffic over loopback, watched by nobody, by our whole agent, by its callbacks alone, and
 * by those of the existing agent without anybody who reads what they count. Each watcher has a cgroup of its
 * own and stays attached; the traffic runs in one after the other, in another order each round.
 * Needs root, eBPF and clang.
 */
export async function benchOverhead(
  rounds: number,
  kinds: readonly TrafficKind[],
): Promise<OverheadRuns> {
  const folder = mkdtempSync(join(tmpdir(), 'nfm-overhead-'));
  const cgroups = makeCgroups();
  const others = makeNamed('others');
  const stops: (() => Promise<void> | void)[] = [];
  try {
    const traffic = join(folder, 'traffic');
    execFileSync('clang', ['-O2', '-o', traffic, join(NATIVE, 'traffic.c')]);
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
          const at = { watched: cgroups[watcher], others };
          const run = await runTraffic(traffic, kind, at);
          // The first round warms what is cold: pages, the agent's code.
          if (round >= 0) runs[kind][watcher].push(run);
        }
      }
    }
    return runs;
  } finally {
    for (const stop of stops) await stop();
    for (const cgroup of [...Object.values(cgroups), others]) await removeCgroup(cgroup);
    rmSync(folder, { recursive: true });
  }
}

function makeCgroups(): Record<Watcher, string> {
  return {
    nobody: makeNamed('nobody'),
    nobodyAgain: makeNamed('nobody-again'),
    callbacksOnly: makeNamed('callbacks-only'),
    ours: makeNamed('ours'),
    existing: makeNamed('existing'),
  };
}

function makeNamed(name: string): string {
  const { pid } = process;
  return makeCgroup(labNames({ pid, network: 62, host: 0, name }).namespace);
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

/** Each watcher is first, second … equally often. */
function inTurn(round: number): readonly Watcher[] {
  const first = (round + WATCHERS.length) % WATCHERS.length;
  return [...WATCHERS.slice(first), ...WATCHERS.slice(0, first)];
}

async function startAgent(cgroup: string): Promise<() => Promise<void>> {
  const [program = '', ...args] = agentCommand(cgroup, {
    // Nobody is there: reports wait in memory, as they would.
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
  if (loaded.status === 'refused') throw new Error(`cannot load ${source}: ${loaded.errno}`);
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
  cgroups: { readonly watched: string; readonly others: string },
): Promise<TrafficRun> {
  const { args, watched } = KINDS[kind];
  const procs = join(cgroups.watched, 'cgroup.procs');
  const [first, more] =
    watched === 'both ends'
      ? [procs, {}]
      : [join(cgroups.others, 'cgroup.procs'), { CLIENT_CGROUP: procs }];
  const before = cpuMicros(cgroups.watched);
  const enter = 'echo $$ > "$0" && exec "$@"';
  const child = spawn('sh', ['-c', enter, first, program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: more,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  const told: Omit<TrafficRun, 'cpuMicrosEach'> = JSON.parse(output);
  const made = (told.perSecond * MILLIS) / 1_000;
  return { ...told, cpuMicrosEach: (cpuMicros(cgroups.watched) - before) / made };
}

/** Of all processes that were ever in a cgroup. */
function cpuMicros(cgroup: string): number {
  const text = readFileSync(join(cgroup, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(text)?.[1]);
}
