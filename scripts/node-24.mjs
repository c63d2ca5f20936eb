import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '.cache', 'node-24');
const program = join(folder, 'package', 'bin', 'node');

/**
 * The folder of a Node 24 binary. Fetches the npm package that contains it once and unpacks it into
 * `.cache/`. As a dependency it would take precedence over the installed Node in every npm script.
 * Undefined if the package cannot be fetched.
 *
 * @returns {string | undefined}
 */
export function fetchNode24() {
  if (!existsSync(program)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const fetched = run('npm', ['pack', `node-linux-${process.arch}@24`, '--loglevel=error']);
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    if (!fetched || archive === undefined || !run('tar', ['-xzf', archive])) return undefined;
    rmSync(join(folder, archive));
  }
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return stdout?.startsWith('v24.') ? join(program, '..') : undefined;
}

function run(command, args) {
  const stdio = ['ignore', 'ignore', 'inherit'];
  return spawnSync(command, args, { cwd: folder, stdio }).status === 0;
}
