import { closeSync, openSync, readdirSync, statSync } from 'node:fs';
import type { Libc } from './libc.ts';

/** A network namespace of this host, and a file that opens it. */
export interface NetNamespace {
  readonly inode: number;
  readonly path: string;
}

const OWN = '/proc/self/ns/net';

/** Folders with namespaces that need no process: ip-netns(8), Docker. */
const NAMED = ['/run/netns', '/run/docker/netns'];

/**
 * Finds every network namespace that has a process or a name, this process's own first. A namespace
 * that only an open socket or descriptor keeps alive is not found.
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

/** Undefined when the file is gone, or this process may not read it. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

/**
 * Runs `act` with this thread in another namespace; undefined when that namespace is gone. A socket
 * that `act` opens belongs to that namespace. `act` must be synchronous: a thread that starts in
 * between would stay in the wrong namespace. If this thread cannot return, the process exits.
 */
export function inNetNamespace<T>(libc: Libc, path: string, act: () => T): T | undefined {
  // Entering a namespace needs a right, even the one the thread is in.
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
