import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { cgroupMount } from './kernel/cgroup-mount.ts';
import type { CredentialSources } from './report/credentials.ts';

/** Where credentials may stand, from this process's environment. */
export function credentialSources(): CredentialSources {
  return { env: process.env, homeFolder: homedir() };
}

/** Where cgroup v2 is mounted on this host; undefined when it is not. */
export function findCgroup(): string | undefined {
  return cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
}
