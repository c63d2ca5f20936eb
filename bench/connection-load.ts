import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

/**
 * `connection-load.js PER_SECOND SECONDS` opens PER_SECOND TCP connections a second to its own
 * servers on loopback, each with a request and an answer. Its 250 servers make 500 flows, one per
 * side, which is the maximum of a report. Prints "ready", starts when it reads a line on standard
 * input, and prints the number of connections as one line of JSON.
 */
const TICKS_PER_SECOND = 50;
const SERVERS = 250;
const [perSecond = 0, seconds = 0] = process.argv.slice(2).map(Number);

const servers: { host: string; port: number }[] = [];
for (let i = 1; i <= SERVERS; i += 1) {
  const host = `127.0.0.${i}`;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('answer'));
  });
  await once(server.listen(0, host), 'listening');
  servers.push({ host, port: (server.address() as AddressInfo).port });
}
console.log('ready');
await once(process.stdin, 'data');

let begun = 0;
let made = 0;

function exchange({ host, port }: { host: string; port: number }): void {
  const socket = connect(port, host, () => socket.write('request'));
  socket.on('error', () => {});
  socket.on('close', () => {
    made += 1;
  });
  socket.resume();
}

const started = performance.now();
const timer = setInterval(() => {
  const elapsed = Math.min(seconds, (performance.now() - started) / 1_000);
  for (; begun < elapsed * perSecond; begun += 1) {
    const server = servers[begun % SERVERS];
    if (server !== undefined) exchange(server);
  }
  if (elapsed < seconds || made < begun) return;
  clearInterval(timer);
  console.log(JSON.stringify({ made, seconds: (performance.now() - started) / 1_000 }));
  process.exit(0);
}, 1_000 / TICKS_PER_SECOND);
