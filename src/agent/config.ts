import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { AgentError } from './agent-error.ts';
import { cgroupMount } from './kernel/cgroup-mount.ts';
import type { CredentialSources } from './report/credentials.ts';

/** Where credentials may stand, from this process's environment. */
export function credentialSources(): CredentialSources {
  return { env: process.env, homeFolder: homedir() };
}

/** Where cgroup v2 is mounted on this host. Throws an AgentError when it is not. */
export function findCgroup(): string {
  const found = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (found !== undefined) return found;
  throw new AgentError(
    'cgroup v2 is not mounted: mkdir -p /run/cgroup2 && mount -t cgroup2 none /run/cgroup2',
  );
}
