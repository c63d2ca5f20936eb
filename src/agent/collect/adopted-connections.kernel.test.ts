import { describe, expect, test } from 'vitest';
import {
  CLIENT,
  PORT,
  retransSegs,
  SERVER,
  SteppedConnection,
  startServer,
  total,
  totalRetrans,
  untilAcked,
} from '../../../test/lab/watched-lab.ts';
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';

const missing = missingForLab();

/** Bytes of the SYN and of the line with which a traffic client begins. */
const OPENING = 1 + 'sink\n'.length;
const FIN = 1;

describe.skipIf(missing !== undefined)(`connections older than the agent ${missing ?? ''}`, () => {
  const pair = watchedPair({ number: 3 });

  test('are counted from the adoption on, on both sides, and are no attempts', async () => {
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
    await connection.send(1_000_000);
    await untilAcked(pair.network, 'a', { address: SERVER, bytes: 1_000_000 + OPENING });
    pair.client.start();
    pair.server.start();
    const early = [...(await pair.client.window()), ...(await pair.server.window())];
    expect(early.map(({ key }) => key)).toEqual([
      `client ${CLIENT} ${SERVER} ${PORT}`,
      `server ${SERVER} ${CLIENT} ${PORT}`,
    ]);
    expect(early.map((flow) => flow.plain('sockets_established'))).toEqual([1, 1]);
    await connection.send(300_000);
    await connection.close();
    const sent = [...early, ...(await pair.client.untilClosed(1))].filter(
      ({ side }) => side === 'client',
    );
    const received = [...early, ...(await pair.server.untilClosed(1))].filter(
      ({ side }) => side === 'server',
    );
    expect(total(sent, 'bytes_delivered')).toBe(300_000 + FIN);
    expect(total(received, 'bytes_received')).toBe(300_000 + FIN);
    expect(total([...sent, ...received], 'connect_attempts')).toBe(0);
    expect(pair.client.counters().sockets_adopted).toBe(1);
    expect(pair.client.counters().sides_guessed).toBe(0);
    expect(pair.server.counters().sides_guessed).toBe(0);
  });

  test("have the kernel's own count of retransmissions from the adoption on", async () => {
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
    await pair.network.lose('b', 3);
    await connection.send(10_000_000);
    await untilAcked(pair.network, 'a', { address: SERVER, bytes: 10_000_000 + OPENING });
    pair.client.start();
    const before = await retransSegs(pair.network, 'a');
    await connection.send(10_000_000);
    await connection.close();
    const flows = await pair.client.untilClosed(1);
    const after = await retransSegs(pair.network, 'a');
    const counted = totalRetrans(flows);
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBe(after - before);
  });

  test('without a listener count as the side with the lower port, and as guessed', async () => {
    await startServer(pair.network, 'b', ['serve-one', 9_100]);
    const connection = await SteppedConnection.open(pair.network, [SERVER, 9_100]);
    pair.client.start();
    pair.server.start();
    const [flow] = await pair.server.window();
    expect(flow?.key).toBe(`server ${SERVER} ${CLIENT} 9100`);
    expect(pair.server.counters().sides_guessed).toBe(1);
    expect(pair.client.counters().sides_guessed).toBe(0);
    await connection.close();
  });

  test('from a bound port are a client even if another socket listens on a lower port', async () => {
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT, 45_000]);
    pair.client.start();
    const [flow] = await pair.client.window();
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} ${PORT}`);
    expect(pair.client.counters().sides_guessed).toBe(1);
    await connection.close();
  });

  test('are named after the processes and cgroups of both ends', async () => {
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
    pair.client.start();
    pair.server.start();
    const [sender] = await pair.client.window();
    const [receiver] = await pair.server.window();
    expect(sender?.owner).toBe(`node /${pair.network.host('a').namespace}`);
    expect(receiver?.owner).toBe(`node /${pair.network.host('b').namespace}`);
    await connection.close();
  });

  test('of another cgroup are ignored', async () => {
    const outside = { outsideCgroup: true };
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT], outside);
    pair.client.start();
    expect(await pair.client.window()).toEqual([]);
    expect(pair.client.counters().sockets_adopted).toBe(0);
    await connection.close();
  });

  test('that are opened while the agent starts are counted once, as new', async () => {
    pair.client.start();
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
    pair.client.adopt();
    const [flow] = await pair.client.window();
    expect(flow?.plain('connect_attempts')).toBe(1);
    expect(flow?.plain('sockets_established')).toBe(1);
    expect(pair.client.counters().sockets_adopted).toBe(0);
    await connection.close();
  });
});
