import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import type { Libc } from './libc.ts';

/** A network namespace of this host, and a file that opens it. */
export interface NetNamespace {
  readonly inode: number;
  readonly path: string;
}

const OWN = '/proc/self/ns/net';

/** Where programs keep namespaces that no process is in: ip-netns(8), Docker. */
const NAMED = ['/run/netns', '/run/docker/netns'];

/**
 * Every network namespace that a process is in or that has a name, this process's own first.
 * Those kept alive by nothing but an open socket or descriptor are not found.
 */
export function findNetNamespaces(): readonly NetNamespace[] {
  const paths = [
    OWN,
    ...list('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => `/proc/${pid}/ns/net`),
    ...NAMED.flatMap((folder) => list(folder).map((name) => `${folder}/${name}`)),
  ];
  const found = new Map<number, NetNamespace>();
  for (const path of paths) {
    const inode = inodeOf(path);
    if (inode !== undefined && !found.has(inode)) found.set(inode, { inode, path });
  }
  return [...found.values()];
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Undefined when it is gone, or not ours to see. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/**
 * Runs `act` with this thread in another namespace; undefined when that one is gone. What is
 * opened in there stays there. Synchronous, so that nothing else runs meanwhile: a thread that
 * began in between would be in the wrong namespace for good. A thread that cannot go back must
 * not go on: the process ends.
 */
export function inNetNamespace<T>(libc: Libc, path: string, act: () => T): T | undefined {
  // Entering the own one would need a right that staying does not.
  if (path === OWN) return act();
  const own = openSync(OWN, 'r');
  try {
    return enter(libc, path) ? actAndReturn(libc, own, act) : undefined;
  } finally {
    closeSync(own);
  }
}

function enter(libc: Libc, path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    return libc.enterNetNamespace(fd) === 0;
  } finally {
    closeSync(fd);
  }
}

function actAndReturn<T>(libc: Libc, own: number, act: () => T): T {
  try {
    return act();
  } finally {
    if (libc.enterNetNamespace(own) !== 0) process.abort();
  }
}
