import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupMount } from '../../agent/kernel/cgroup-mount.ts';

/** The mount point of cgroup v2. */
export function cgroupRoot(): string {
  const mount = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (mount === undefined) throw new Error('cgroup v2 is not mounted');
  return mount;
}

export function makeCgroup(name: string): string {
  const path = join(cgroupRoot(), name);
  mkdirSync(path);
  return path;
}

export function cgroupNames(): readonly string[] {
  return readdirSync(cgroupRoot());
}

/** Kills the processes of a cgroup and removes it when the last one has exited. */
export async function removeCgroup(path: string): Promise<void> {
  writeFileSync(join(path, 'cgroup.kill'), '1');
  for (let attempt = 0; ; attempt += 1) {
    try {
      return rmdirSync(path);
    } catch (cause) {
      if (attempt === 200) throw new Error(`cannot remove ${path}`, { cause });
    }
    await delay(25);
  }
}
