import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The checkout's root: the nearest folder above this file that has `bin/nfm`. Works from the
 * sources and from every output folder (`dist/`, `.cache/bench/`, …).
 */
export function checkoutRoot(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin', 'nfm'))) return folder;
    if (folder === dirname(folder)) throw new Error('cannot find bin/nfm in a folder above');
  }
}
