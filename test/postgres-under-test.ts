import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VERSIONS = '/usr/lib/postgresql';

/**
 * A PostgreSQL server of one test, in a temporary folder and on a socket there, that the test stops,
 * starts and freezes. It runs as Debian's user `postgres` when the test is root, because PostgreSQL
 * refuses to run as root.
 */
export class PostgresUnderTest {
  readonly #folder = mkdtempSync(join(tmpdir(), 'nfm-postgres-'));
  readonly #bin: string;
  #process: ChildProcess | undefined;

  /** Creates the database cluster. Throws when PostgreSQL is not installed. */
  constructor() {
    const version = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort().at(-1) : undefined;
    if (version === undefined) throw new Error('PostgreSQL is not installed');
    this.#bin = join(VERSIONS, version, 'bin');
    if (isRoot()) chownSync(this.#folder, idOf('-u'), idOf('-g'));
    const [command = '', ...rest] = this.#command('initdb');
    const args = ['-D', this.#data, '-U', 'nfm', '-A', 'trust', '-E', 'UTF8'];
    execFileSync(command, [...rest, ...args], { cwd: this.#folder, stdio: 'ignore' });
  }

  get url(): string {
    return `postgres://nfm@/postgres?host=${this.#folder}`;
  }

  /** Starts the server with settings (`{ max_connections: '3' }`) and waits until it answers. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = {
      listen_addresses: '',
      unix_socket_directories: this.#folder,
      fsync: 'off',
      ...settings,
    };
    const [command = '', ...rest] = this.#command('postgres');
    const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const args = [...rest, '-D', this.#data, ...options];
    this.#process = spawn(command, args, {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await this.#untilReady(this.#process);
  }

  /** Ends every connection and the server, as an operator's fast stop does. */
  async stop(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    const exited = once(running, 'exit');
    this.#signalAll('SIGCONT');
    // `setpriv` replaces itself, so the process spawned is the postmaster.
    running.kill('SIGINT');
    await exited;
    this.#process = undefined;
  }

  /** Stops every process of the server where it is: connections stay open and nothing answers. */
  freeze(): void {
    this.#signalAll('SIGSTOP');
  }

  thaw(): void {
    this.#signalAll('SIGCONT');
  }

  /** Runs one statement in psql. */
  run(statement: string): void {
    const args = ['-h', this.#folder, '-U', 'nfm', '-d', 'postgres', '-c', statement];
    execFileSync('psql', args, { stdio: 'ignore' });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  #command(program: string): string[] {
    const path = join(this.#bin, program);
    return isRoot()
      ? ['setpriv', `--reuid=${idOf('-u')}`, `--regid=${idOf('-g')}`, '--clear-groups', path]
      : [path];
  }

  /** Reads the log to its end, because a closed pipe would stop the server. */
  #untilReady(running: ChildProcess): Promise<void> {
    let log = '';
    return new Promise((resolve, reject) => {
      running.once('exit', () => reject(new Error(`PostgreSQL did not start: ${log}`)));
      running.stderr?.on('data', (chunk) => {
        log = `${log}${chunk}`.slice(-10_000);
        if (log.includes('ready to accept connections')) resolve();
      });
    });
  }

  #signalAll(signal: NodeJS.Signals): void {
    const parent = this.#process?.pid;
    if (parent === undefined) return;
    const children = spawnSync('ps', ['--ppid', String(parent), '-o', 'pid='], {
      encoding: 'utf8',
    });
    for (const pid of [parent, ...children.stdout.split(/\s+/).filter(Boolean).map(Number)]) {
      signalIfRunning(pid, signal);
    }
  }
}

/** A child may have ended since it was listed. */
function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function idOf(flag: '-u' | '-g'): number {
  return Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
}
