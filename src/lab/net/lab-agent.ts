import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attachedPrograms } from '../../agent/kernel/attached-programs.ts';
import { checkoutRoot } from '../../lib/checkout-root.ts';
import type { LabNetwork } from './lab-network.ts';

export interface LabAgentOptions {
  /** The URL of the publish endpoint, path included. */
  readonly endpoint: string;
  /** The server's credentials file; the agent uses its profile `agent`. */
  readonly credentialsFile: string;
  /** Further options of the agent, e.g. `['--zone', 'use1-az2']`. */
  readonly flags?: readonly string[] | undefined;
}

const PROGRAM = join(checkoutRoot(), 'bin', 'nfm');
/** The environment and flags with which packaging/nfm-agent starts the agent. */
const SETTINGS = ['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=4'];
const NODE_FLAGS = ['--single-threaded', '--v8-pool-size=0'];

const MAX_WAITS = 400;
const WAIT_MILLIS = 25;

/** The command line of `bin/nfm agent` for a cgroup, with a report every second. */
export function agentCommand(cgroup: string, options: LabAgentOptions): readonly string[] {
  const { endpoint, credentialsFile, flags = [] } = options;
  // AWS_PROFILE takes precedence over access keys in the environment.
  const keys = [`AWS_SHARED_CREDENTIALS_FILE=${credentialsFile}`, 'AWS_PROFILE=agent'];
  const period = ['--publish-secs', '1', '--jitter-secs', '0', '--cgroup', cgroup];
  const program = ['env', ...keys, ...SETTINGS, process.execPath, ...NODE_FLAGS, PROGRAM, 'agent'];
  return [...program, '--endpoint', endpoint, ...period, ...flags];
}

/**
 * Starts `bin/nfm agent` for a host of a lab, with a report every second. Returns when the agent's
 * eBPF program is attached, so the agent counts every later connection. The agent itself runs
 * outside of the host's cgroup, so it does not count its own connection.
 */
export async function startLabAgent(
  network: LabNetwork,
  name: string,
  options: LabAgentOptions,
): Promise<ChildProcess> {
  const { cgroup } = network.host(name);
  const agent = network.spawn(name, agentCommand(cgroup, options), {
    outsideCgroup: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await untilAttached(agent, cgroup);
  return agent;
}

/** Waits until an agent's program is attached to a cgroup. Throws with its output if it exits. */
export async function untilAttached(agent: ChildProcess, cgroup: string): Promise<void> {
  let output = '';
  agent.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4_096);
  });
  for (let waits = 0; attachedPrograms(cgroup).length === 0; waits += 1) {
    if (agent.exitCode !== null || waits === MAX_WAITS) {
      throw new Error(`cannot start an agent on ${cgroup}: ${output}`);
    }
    await delay(WAIT_MILLIS);
  }
}
