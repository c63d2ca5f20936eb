import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attachedPrograms } from '../../agent/kernel/attached-programs.ts';
import { checkoutRoot } from '../../lib/checkout-root.ts';
import type { LabNetwork } from './lab-network.ts';

export interface LabAgentOptions {
  /** The whole URL, with its path. */
  readonly endpoint: string;
  /** The credentials file the server wrote; its profile `agent` is used. */
  readonly credentialsFile: string;
  /** More of the agent's own options, e.g. `['--zone', 'use1-az2']`. */
  readonly flags?: readonly string[] | undefined;
}

const PROGRAM = join(checkoutRoot(), 'bin', 'nfm');
/** As packaging/nfm-agent starts it. */
const SETTINGS = ['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=4'];
const NODE_FLAGS = ['--single-threaded', '--v8-pool-size=0'];

const MAX_WAITS = 400;
const WAIT_MILLIS = 25;

/** What starts `bin/nfm agent` for a cgroup, reporting each second. */
export function agentCommand(cgroup: string, options: LabAgentOptions): readonly string[] {
  const { endpoint, credentialsFile, flags = [] } = options;
  // A profile goes before keys the shell may have.
  const keys = [`AWS_SHARED_CREDENTIALS_FILE=${credentialsFile}`, 'AWS_PROFILE=agent'];
  const period = ['--publish-secs', '1', '--jitter-secs', '0', '--cgroup', cgroup];
  const program = ['env', ...keys, ...SETTINGS, process.execPath, ...NODE_FLAGS, PROGRAM, 'agent'];
  return [...program, '--endpoint', endpoint, ...period, ...flags];
}

/**
 * `bin/nfm agent` for one host of a lab, reporting each second, attached when this returns: what
 * the host does from then on is counted. It stays out of the host's cgroup, so that its own
 * connection is not.
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

/** Waits until an agent's program is attached to a cgroup. Throws with what it printed when it ends. */
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
