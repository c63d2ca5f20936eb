import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSIONS = '/usr/lib/postgresql';

/**
 * Starts a PostgreSQL server for the tests, with its data and its socket in a temporary folder.
 * Undefined if PostgreSQL is not installed. PostgreSQL refuses to run as root, so root starts it as
 * Debian's user `postgres`.
 *
 * @returns {{ url: string, stop: () => void } | undefined}
 */
export function startPrivatePostgres() {
  const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort().at(-1) : undefined;
  if (version === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'nfm-postgres-'));
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, idOf('-u'), idOf('-g'));
  const run = (program, ...args) => {
    const path = join(VERSIONS, version, 'bin', program);
    const [command, ...rest] = isRoot ? ['runuser', '-u', 'postgres', '--', path] : [path];
    return spawnSync(command, [...rest, ...args], { cwd: folder, stdio: 'ignore' }).status === 0;
  };
  const options = `-c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off`;
  const isRunning =
    run('initdb', '-D', data, '-U', 'nfm', '-A', 'trust', '-E', 'UTF8') &&
    run('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), '-o', options, 'start');
  const stop = () => {
    run('pg_ctl', '-D', data, '-m', 'immediate', 'stop');
    rmSync(folder, { recursive: true, force: true });
  };
  if (isRunning) return { url: `postgres://nfm@/postgres?host=${folder}`, stop };
  stop();
  return undefined;
}

function idOf(flag) {
  return Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
}
