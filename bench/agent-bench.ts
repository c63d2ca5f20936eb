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
  /** Connections made a second, or connections that moved. */
  readonly eventsPerSecond: number;
  /** Most memory the process ever had resident, with what it maps of libraries. */
  readonly peakMemoryMib: number;
  readonly percentOfACore: number;
}

/** What the host does to itself meanwhile: programs beside this file, each with its arguments. */
export type AgentBenchLoad = readonly (readonly [program: string, ...args: number[]])[];

/** So many connections a second, each with a request and an answer: two sockets each. */
export function newConnections(perSecond: number, seconds: number): AgentBenchLoad {
  return [['connection-load.js', perSecond, seconds]];
}

/** A process may have 20,000 files open here. */
const LOADS = 3;

/** So many open sockets, of which `moving` a second do something. */
export function openSockets(sockets: number, moving: number, seconds: number): AgentBenchLoad {
  // A connection is two sockets, and moves both.
  const share = (count: number): number => Math.ceil(count / 2 / LOADS);
  return Array.from({ length: LOADS }, () => {
    return ['open-sockets-load.js', share(sockets), share(moving), seconds];
  });
}

/**
 * The real agent, reporting as often as it does by default, on a host under load. Its CPU time is
 * that of the load's duration; its peak memory that of its whole life, start included. Needs root
 * and eBPF.
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
  // What the agent did to start is not what it costs while it runs.
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
