/**
 * The load of a scenario, run on hosts of a lab network until it is killed:
 *   exchange.js serve PORT         prints "ready", then answers each request with one byte; SIGUSR2
 *                                  stops its reading, SIGUSR1 resumes it
 *   exchange.js ask PORT HOST...   keeps CONNECTIONS connections to each host and sends a request
 *                                  about every GAP_MILLIS on each
 *   exchange.js pour PORT HOST...  keeps one connection to each host and sends as fast as it can
 * A request has REQUEST_BYTES bytes. A connection that fails is replaced.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const REQUEST_BYTES = 16_384;
const CONNECTIONS = 2;
const GAP_MILLIS = 80;
/** A connection whose connect or answer takes longer is given up. */
const PATIENCE_MILLIS = 3_000;
/** Requests on a connection before a new one replaces it. */
const REQUESTS = 25;

const BODY = Buffer.alloc(REQUEST_BYTES, 'x');

async function serve(port: number): Promise<void> {
  const sockets = new Set<Socket>();
  let isReading = true;
  const server = createServer({ noDelay: true }, (socket) => {
    let received = 0;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const before = Math.floor(received / REQUEST_BYTES);
      received += chunk.length;
      const complete = Math.floor(received / REQUEST_BYTES) - before;
      if (complete > 0) socket.write(Buffer.alloc(complete, '.'));
    });
    if (!isReading) socket.pause();
  });
  process.on('SIGUSR2', () => {
    isReading = false;
    for (const socket of sockets) socket.pause();
  });
  process.on('SIGUSR1', () => {
    isReading = true;
    for (const socket of sockets) socket.resume();
  });
  await once(server.listen(port), 'listening');
  console.log('ready');
}

/** Runs one connection with its requests, or until it fails or an answer is late. */
async function exchange(host: string, port: number): Promise<void> {
  const socket = connect({ host, port, noDelay: true });
  const patience = () => AbortSignal.timeout(PATIENCE_MILLIS);
  try {
    await once(socket, 'connect', { signal: patience() });
    for (let i = 0; i < REQUESTS; i += 1) {
      socket.write(BODY);
      await once(socket, 'data', { signal: patience() });
      await delay(GAP_MILLIS * (0.5 + Math.random()));
    }
    socket.end();
  } catch {
    socket.destroy();
    await delay(200);
  }
}

async function ask(port: number, hosts: readonly string[]): Promise<void> {
  const lanes = hosts.flatMap((host) => Array.from({ length: CONNECTIONS }, () => host));
  await Promise.all(
    lanes.map(async (host) => {
      for (;;) await exchange(host, port);
    }),
  );
}

async function pour(port: number, hosts: readonly string[]): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      for (;;) {
        const socket = connect({ host, port });
        socket.on('error', () => {});
        socket.resume();
        socket.on('drain', () => {
          while (socket.write(BODY));
        });
        socket.on('connect', () => {
          while (socket.write(BODY));
        });
        await new Promise((resolve) => socket.once('close', resolve));
        await delay(200);
      }
    }),
  );
}

const [command = '', port = '', ...hosts] = process.argv.slice(2);
if (command === 'serve') await serve(Number(port));
else if (command === 'ask') await ask(Number(port), hosts);
else await pour(Number(port), hosts);
