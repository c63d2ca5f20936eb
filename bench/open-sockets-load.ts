import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * `open-sockets-load.js CONNECTIONS MOVES SECONDS` opens CONNECTIONS connections, two sockets each,
 * to its own server on loopback. MOVES of them per second exchange a byte in both directions. Prints
 * "ready" when all are open, starts when it reads a line on standard input, and prints the number of
 * exchanges as one line of JSON.
 */
const TICKS_PER_SECOND = 20;

/** Connections to one address and port: fewer than there are ephemeral ports. */
const CONNECTIONS_PER_ADDRESS = 4_000;

const [connections = 0, moves = 0, seconds = 0] = process.argv.slice(2).map(Number);

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
await once(server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }), 'listening');
const { port } = server.address() as AddressInfo;

const sockets: Socket[] = [];
for (let i = 0; i < connections; i += 1) {
  const socket = connect(port, `127.1.0.${1 + Math.floor(i / CONNECTIONS_PER_ADDRESS)}`);
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  sockets.push(socket);
}
console.log('ready');
await once(process.stdin, 'data');

let made = 0;
const started = performance.now();
const timer = setInterval(() => {
  const elapsed = Math.min(seconds, (performance.now() - started) / 1_000);
  for (; made < elapsed * moves; made += 1) sockets[made % sockets.length]?.write('x');
  if (elapsed < seconds) return;
  clearInterval(timer);
  console.log(JSON.stringify({ made, seconds: (performance.now() - started) / 1_000 }));
  process.exit(0);
}, 1_000 / TICKS_PER_SECOND);
