import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');
const LIBRARY = join(root, `node_modules/@chdb/lib-linux-${process.arch}-gnu/libchdb.so`);
const MAX_WAIT_MILLIS = 60_000;

/**
 * Starts a ClickHouse server for the tests: the engine inside the chdb package listens on a free
 * port of loopback and keeps its data in a temporary folder. It reads a FIFO that this process
 * holds open, so it ends with this process however that ends. Undefined if it cannot start.
 *
 * @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>}
 */
export async function startPrivateClickHouse() {
  if (!existsSync(LIBRARY)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'nfm-clickhouse-'));
  const fifo = join(folder, 'fifo');
  if (spawnSync('mkfifo', [fifo]).status !== 0) throw new Error(`cannot make ${fifo}`);
  // 'r+' opens the FIFO without waiting for the server to open its end.
  const held = openSync(fifo, 'r+');
  const port = await freePort();
  const log = join(folder, 'log');
  const child = startServer({ folder, fifo, port, log });
  const exited = new Promise((resolve) => child.once('close', resolve));
  const stop = async () => {
    closeSync(held);
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  if (await answers(url, child)) return { url, stop };
  console.log(`ClickHouse did not start: ${readFileSync(log, 'utf8')}`);
  await stop();
  return undefined;
}

function startServer({ folder, fifo, port, log }) {
  const query = `SYSTEM START LISTEN HTTP; SELECT count() FROM file('${fifo}', 'LineAsString')`;
  const listen = ['--listen_host', '127.0.0.1', '--http_port', String(port)];
  const options = ['--path', join(folder, 'data'), ...listen, '--query', query];
  const output = openSync(log, 'w');
  const launcher = join(root, 'scripts', 'clickhouse-server.py');
  const child = spawn('python3', [launcher, LIBRARY, ...options], {
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  // If python3 is missing, there is no exit code, but 'close' is still emitted.
  child.on('error', (error) => console.log(`cannot run python3: ${error.message}`));
  return child;
}

async function answers(url, child) {
  const deadline = Date.now() + MAX_WAIT_MILLIS;
  while (Date.now() < deadline && child.pid !== undefined && child.exitCode === null) {
    const response = await fetch(`${url}/ping`).catch(() => undefined);
    if (response?.ok) return true;
    await delay(100);
  }
  return false;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
