/**
 * many-flows.mjs ADDRESS FLOWS opens connections of a host to itself on FLOWS ports, several per
 * second on each, until it is killed.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [address, flows] = process.argv.slice(2);
const ports = Array.from({ length: Number(flows) }, (_, i) => 9_000 + i);

for (const port of ports) {
  const server = createServer((socket) => socket.on('error', () => {}).end('x'));
  await once(server.listen(port, address), 'listening');
}
for (;;) {
  for (const port of ports) {
    const socket = connect(port, address);
    await once(socket.resume(), 'close');
  }
  await delay(100);
}
