import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** On a host with more cgroups, the rest have no path. */
const MAX_FOLDERS = 20_000;

/**
 * Finds the folder of a cgroup by its inode, which is the cgroup's id in the kernel. Reads the whole
 * tree when an inode is unknown, at most once between two calls of `allowReading`.
 */
export class CgroupPaths {
  readonly #mount: string | undefined;
  #paths: ReadonlyMap<number, string> = new Map();
  #mayRead = true;

  /** @param mount undefined: no cgroup has a path */
  constructor(mount: string | undefined) {
    this.#mount = mount;
  }

  allowReading(): void {
    this.#mayRead = true;
  }

  /** The path below the mount, "/" for the mount itself; undefined when the cgroup does not exist. */
  pathOf(inode: number): string | undefined {
    const known = this.#paths.get(inode);
    if (known !== undefined || !this.#mayRead || inode === 0) return known;
    if (this.#mount === undefined) return undefined;
    this.#mayRead = false;
    this.#paths = readTree(this.#mount);
    return this.#paths.get(inode);
  }
}

function readTree(mount: string): ReadonlyMap<number, string> {
  const paths = new Map<number, string>();
  const left = ['/'];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const inode = inodeOf(join(mount, path));
    if (inode === undefined) continue;
    paths.set(inode, path);
    if (paths.size >= MAX_FOLDERS) return paths;
    for (const entry of entriesOf(join(mount, path))) {
      if (entry.isDirectory()) left.push(join(path, entry.name));
    }
  }
  return paths;
}

/** Undefined when the cgroup was removed meanwhile. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

function entriesOf(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
