import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../load/server-process.ts';
import { agentCommand, untilAttached } from '../net/lab-agent.ts';
import { makeCgroup, removeCgroup } from '../net/lab-cgroup.ts';
import { labNames } from '../net/lab-names.ts';
import { cpuSeconds, peakMemoryMib } from './publish-bench.ts';

export interface AgentBenchResult {
  readonly connectionsPerSecond: number;
  /** Most memory the process ever had resident, with what it maps of libraries. */
  readonly peakMemoryMib: number;
  readonly percentOfACore: number;
}

export interface AgentBenchOptions {
  readonly connectionsPerSecond: number;
  readonly seconds: number;
}

/** Beside this file where it runs, in the built code. */
const LOAD = join(import.meta.dirname, 'connection-load.js');

/**
 * The real agent, reporting as often as it does by default, on a host that opens so many connections a
 * second to itself: each is two sockets. Its CPU time is that of the load's duration; its peak
 * memory that of its whole life, start included. Needs root and eBPF.
 */
export async function benchAgent(options: AgentBenchOptions): Promise<AgentBenchResult> {
  const { pid } = process;
  const cgroup = makeCgroup(labNames({ pid, network: 63, host: 0, name: 'bench' }).namespace);
  let server: ServerProcess | undefined;
  let agent: ChildProcess | undefined;
  try {
    server = await ServerProcess.start();
    agent = startAgent(server, cgroup);
    await untilAttached(agent, cgroup);
    return await measure(agent.pid ?? 0, cgroup, options);
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
  { connectionsPerSecond, seconds }: AgentBenchOptions,
): Promise<AgentBenchResult> {
  const enter = 'echo $$ > "$0" && exec "$@"';
  const load = [process.execPath, LOAD, String(connectionsPerSecond), String(seconds)];
  const child = spawn('sh', ['-c', enter, join(cgroup, 'cgroup.procs'), ...load], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  // What the agent did to start is not what it costs while it runs.
  await delay(1_000);
  const cpuBefore = await cpuSeconds(agentPid);
  child.stdin.write('go\n');
  const { value } = await lines.next();
  const cpu = (await cpuSeconds(agentPid)) - cpuBefore;
  const result: { made: number; seconds: number } = JSON.parse(String(value));
  return {
    connectionsPerSecond: result.made / result.seconds,
    peakMemoryMib: await peakMemoryMib(agentPid),
    percentOfACore: (cpu / result.seconds) * 100,
  };
}
