import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { agentCommand, untilAttached } from '../src/lab/net/lab-agent.ts';
import { makeCgroup, removeCgroup } from '../src/lab/net/lab-cgroup.ts';
import { labNames } from '../src/lab/net/lab-names.ts';
import { ServerProcess } from '../src/lab/server-process.ts';
import { cpuSeconds, peakMemoryMib } from './publish-bench.ts';

export interface AgentBenchResult {
  /** New connections per second, or connections per second that exchanged a byte. */
  readonly eventsPerSecond: number;
  /** VmHWM: the peak resident memory since the process started, mapped libraries included. */
  readonly peakMemoryMib: number;
  readonly percentOfACore: number;
}

/** The load on the host: programs beside this file, each with its arguments. */
export type AgentBenchLoad = readonly (readonly [program: string, ...args: number[]])[];

/** New connections over loopback, each with a request and an answer, so two sockets each. */
export function newConnections(perSecond: number, seconds: number): AgentBenchLoad {
  return [['connection-load.js', perSecond, seconds]];
}

/**
 * The number of load processes. They share the open sockets, because a process may have 20,000
 * files open here.
 */
const LOADS = 3;

/** Open sockets, of which `moving` per second send or receive a byte. */
export function openSockets(sockets: number, moving: number, seconds: number): AgentBenchLoad {
  // Both ends of a connection are sockets of this host, and an exchange sends a byte on both.
  const share = (count: number): number => Math.ceil(count / 2 / LOADS);
  return Array.from({ length: LOADS }, () => {
    return ['open-sockets-load.js', share(sockets), share(moving), seconds];
  });
}

/**
 * Runs the agent with its default reporting interval on a host under load. Measures CPU time while
 * the load runs, and peak memory since the agent's start. Needs root and eBPF.
 */
export async function benchAgent(load: AgentBenchLoad): Promise<AgentBenchResult> {
  const { pid } = process;
  const cgroup = makeCgroup(labNames({ pid, network: 63, host: 0, name: 'bench' }).namespace);
  let server: ServerProcess | undefined;
  let agent: ChildProcess | undefined;
  try {
    server = await ServerProcess.start();
    agent = startAgent(server, cgroup);
    await untilAttached(agent, cgroup);
    return await measure(agent.pid ?? 0, cgroup, load);
  } finally {
    if (agent !== undefined && agent.exitCode === null && agent.kill('SIGKILL')) {
      await once(agent, 'exit');
    }
    await removeCgroup(cgroup);
    await server?.dispose();
  }
}

function startAgent(server: ServerProcess, cgroup: string): ChildProcess {
  const [program = '', ...args] = agentCommand(cgroup, {
    endpoint: `${server.endpoint}/publish`,
    credentialsFile: join(server.data, 'credentials'),
    flags: ['--instance-id', 'i-0000000000000bec4', '--publish-secs', '30'],
  });
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function measure(
  agentPid: number,
  cgroup: string,
  programs: AgentBenchLoad,
): Promise<AgentBenchResult> {
  const loads = programs.map((program) => startLoad(cgroup, program));
  for (const { lines } of loads) await lines.next();
  // Let the agent finish its start, which is not part of the running cost.
  await delay(1_000);
  const cpuBefore = await cpuSeconds(agentPid);
  for (const { child } of loads) child.stdin?.write('go\n');
  let made = 0;
  let seconds = 0;
  for (const { lines } of loads) {
    const { value } = await lines.next();
    const result: { made: number; seconds: number } = JSON.parse(String(value));
    made += result.made;
    seconds = Math.max(seconds, result.seconds);
  }
  const cpu = (await cpuSeconds(agentPid)) - cpuBefore;
  return {
    eventsPerSecond: made / seconds,
    peakMemoryMib: await peakMemoryMib(agentPid),
    percentOfACore: (cpu / seconds) * 100,
  };
}

function startLoad(cgroup: string, [program, ...args]: AgentBenchLoad[number]) {
  const enter = 'echo $$ > "$0" && exec "$@"';
  const load = [process.execPath, join(import.meta.dirname, program), ...args.map(String)];
  const child = spawn('sh', ['-c', enter, join(cgroup, 'cgroup.procs'), ...load], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}
