/**
 * TCP traffic of known size, to be run on hosts of a lab network:
 *   traffic.mjs serve PORT...               serves the clients below; prints "ready"
 *   traffic.mjs send HOST PORT BYTES        sends and closes
 *   traffic.mjs receive HOST PORT BYTES [HOLD]  receives, then holds the connection HOLD milliseconds
 *   traffic.mjs ping HOST PORT COUNT GAP    COUNT requests and responses GAP milliseconds apart
 *   traffic.mjs steady GAP HOST:PORT...     a request each GAP milliseconds to each, until it is killed
 *   traffic.mjs many HOST PORT COUNT [AT_ONCE]  COUNT short connections, a few bytes in both directions
 *   traffic.mjs crowd HOST PORT COUNT       COUNT connections, all open at the same time
 *   traffic.mjs again HOST PORT OTHER       one socket that connects to PORT and then to OTHER
 *   traffic.mjs spread PORT COUNT           COUNT connections to as many addresses of loopback, 50 at a time
 *   traffic.mjs connect HOST PORT TIMEOUT   tries to connect
 *   traffic.mjs steps HOST PORT [BOUND]     connects (from port BOUND) and prints "open"; sends the number
 *                                           of bytes in each line of standard input and prints "sent";
 *                                           closes at the end of the input
 *   traffic.mjs reset HOST PORT BYTES       sends, waits for the echo, and resets the connection
 *   traffic.mjs stall HOST PORT BYTES       sends to a server that reads nothing; prints "open" and stays
 *   traffic.mjs serve-one PORT              like serve, but stops listening after the first connection
 * A client first sends a line with the service it requests: sink, source BYTES, echo or nothing. Each
 * client prints one line of JSON at its end.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import koffi from 'koffi';

const CHUNK = Buffer.alloc(65_536, 'x');

async function write(socket, bytes) {
  for (let left = bytes; left > 0; left -= CHUNK.length) {
    if (!socket.write(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK)) {
      await once(socket, 'drain');
    }
  }
}

function answer(socket) {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    const end = first.indexOf(10);
    const [wish, bytes] = first.subarray(0, end).toString().split(' ');
    if (wish === 'echo') {
      socket.write(first.subarray(end + 1));
      socket.pipe(socket);
    } else if (wish === 'source') {
      write(socket, Number(bytes)).catch(() => {});
    } else if (wish === 'nothing') {
      socket.pause();
    } else socket.resume();
  });
}

async function open(host, port, wish) {
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  socket.write(`${wish}\n`);
  return socket;
}

function print(socket, more = {}) {
  const { bytesWritten, bytesRead, localPort } = socket;
  console.log(JSON.stringify({ bytesWritten, bytesRead, localPort, ...more }));
}

async function finish(socket) {
  socket.resume();
  socket.end();
  await once(socket, 'close');
}

const commands = {
  serve: async (...ports) => {
    for (const port of ports) {
      await once(createServer({ noDelay: true }, answer).listen(Number(port)), 'listening');
    }
    console.log('ready');
  },
  'serve-one': async (port) => {
    const server = createServer({ noDelay: true }, (socket) => {
      server.close();
      answer(socket);
    });
    await once(server.listen(Number(port)), 'listening');
    console.log('ready');
  },
  reset: async (host, port, bytes) => {
    const socket = await open(host, port, 'echo');
    socket.resume();
    await write(socket, Number(bytes));
    while (socket.bytesRead < Number(bytes)) await delay(5);
    print(socket);
    socket.resetAndDestroy();
    await once(socket, 'close');
  },
  stall: async (host, port, bytes) => {
    const socket = await open(host, port, 'nothing');
    console.log('open');
    await write(socket, Number(bytes));
  },
  steps: async (host, port, bound) => {
    const localPort = bound === undefined ? undefined : Number(bound);
    const socket = connect({ host, port: Number(port), localPort });
    await once(socket, 'connect');
    socket.write('sink\n');
    console.log('open');
    for await (const line of createInterface(process.stdin)) {
      await write(socket, Number(line));
      console.log('sent');
    }
    await finish(socket);
    print(socket);
  },
  send: async (host, port, bytes) => {
    const socket = await open(host, port, 'sink');
    await write(socket, Number(bytes));
    await finish(socket);
    print(socket);
  },
  receive: async (host, port, ...[bytes, hold = '0']) => {
    const socket = await open(host, port, `source ${bytes}`);
    socket.resume();
    while (socket.bytesRead < Number(bytes)) await delay(5);
    print(socket);
    await delay(Number(hold));
    await finish(socket);
  },
  ping: async (host, port, ...[count, gap]) => {
    const socket = await open(host, port, 'echo');
    socket.setNoDelay(true);
    for (let i = 0; i < Number(count); i += 1) {
      socket.write('ping');
      await once(socket, 'data');
      await delay(Number(gap));
    }
    await finish(socket);
    print(socket);
  },
  steady: async (gap, ...targets) => {
    const sockets = await Promise.all(
      targets.map(async (target) => {
        const [host, port] = target.split(':');
        const socket = await open(host, port, 'echo');
        socket.setNoDelay(true);
        return socket.resume();
      }),
    );
    for (;;) {
      for (const socket of sockets) socket.write('ping');
      await delay(Number(gap));
    }
  },
  many: async (host, port, ...[count, atOnce = '1']) => {
    let longestMillis = 0;
    let left = Number(count);
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        const from = performance.now();
        const socket = await open(host, port, 'echo');
        socket.write('hello');
        await once(socket, 'data');
        await finish(socket);
        longestMillis = Math.max(longestMillis, performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: Number(atOnce) }, worker));
    console.log(JSON.stringify({ longestMillis }));
  },
  crowd: async (host, port, count) => {
    const sockets = [];
    const worker = async () => {
      while (sockets.length < Number(count)) {
        const opening = open(host, port, 'echo');
        sockets.push(opening);
        const socket = await opening;
        socket.write('hello');
        await once(socket, 'data');
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    await Promise.all(sockets.map(async (socket) => finish(await socket)));
    console.log(JSON.stringify({}));
  },
  again: async (host, ...ports) => {
    const libc = koffi.load('libc.so.6');
    const connectTo = libc.func('int connect(int fd, void *address, uint32_t length)');
    const fd = libc.func('int socket(int family, int type, int protocol)')(2, 1, 0);
    const outcomes = ports.map((port) => {
      const address = Buffer.alloc(16);
      address.writeUInt16LE(2, 0);
      address.writeUInt16BE(Number(port), 2);
      address.set(host.split('.').map(Number), 4);
      return connectTo(fd, address, address.length);
    });
    libc.func('int close(int fd)')(fd);
    console.log(JSON.stringify({ outcome: outcomes.join(' ') }));
  },
  spread: async (port, count) => {
    let next = 0;
    const worker = async () => {
      while (next < Number(count)) {
        const i = next;
        next += 1;
        const socket = await open(
          `127.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
          port,
          'echo',
        );
        socket.write('hello');
        await once(socket, 'data');
        await finish(socket);
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    console.log(JSON.stringify({}));
  },
  connect: async (host, port, ...[timeout, localPort = 0]) => {
    const socket = connect({ host, port: Number(port), localPort: Number(localPort) });
    const outcome = await Promise.race([
      once(socket, 'connect').then(
        () => 'connected',
        (error) => error.code,
      ),
      delay(Number(timeout), 'timeout', { ref: false }),
    ]);
    socket.destroy();
    console.log(JSON.stringify({ outcome }));
  },
};

const [command, ...args] = process.argv.slice(2);
await commands[command](...args);
