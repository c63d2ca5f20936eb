import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A host with more cgroups than this has those beyond it unnamed. */
const MAX_FOLDERS = 20_000;

/**
 * The folders of a cgroup v2 mount by their inodes, which is how the kernel's programs name them.
 * The tree is read when an inode is not known, at most once between two calls of `allowReading`.
 */
export class CgroupPaths {
  readonly #mount: string | undefined;
  #paths: ReadonlyMap<number, string> = new Map();
  #mayRead = true;

  /** @param mount undefined: nothing is named */
  constructor(mount: string | undefined) {
    this.#mount = mount;
  }

  allowReading(): void {
    this.#mayRead = true;
  }

  /** The path below the mount, "/" for the mount itself; undefined when there is none (any more). */
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

/** A cgroup may be gone by now. */
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
