import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  CLIENT,
  createWatchedPair,
  HostWatch,
  PORT,
  retransSegs,
  SERVER,
  SteppedConnection,
  startServer,
  total,
  totalRetrans,
  untilAcked,
} from '../../../test/lab/watched-lab.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import type { LabNetwork } from '../../lab/net/lab-network.ts';

const missing = missingForLab();
if (missing !== undefined && process.env.CI_REQUIRE?.includes('kernel')) throw new Error(missing);

/** Bytes of the SYN and of the line with which a traffic client begins. */
const OPENING = 1 + 'sink\n'.length;
const FIN = 1;

describe.skipIf(missing !== undefined)(`connections older than the agent ${missing ?? ''}`, () => {
  let network: LabNetwork;
  let client: HostWatch;
  let server: HostWatch;

  beforeAll(async () => {
    network = await createWatchedPair(3);
  });
  afterAll(async () => {
    await network?.stop();
  });

  beforeEach(() => {
    client = new HostWatch(network.host('a'));
    server = new HostWatch(network.host('b'));
  });
  afterEach(async () => {
    client.stop();
    server.stop();
    await network.lose('b', 0);
  });

  test('are counted from the adoption on, on both sides, and are no attempts', async () => {
    const connection = await SteppedConnection.open(network, [SERVER, PORT]);
    await connection.send(1_000_000);
    await untilAcked(network, 'a', { address: SERVER, bytes: 1_000_000 + OPENING });
    client.start();
    server.start();
    const early = [...(await client.window()), ...(await server.window())];
    expect(early.map(({ key }) => key)).toEqual([
      `client ${CLIENT} ${SERVER} ${PORT}`,
      `server ${SERVER} ${CLIENT} ${PORT}`,
    ]);
    expect(early.map((flow) => flow.plain('sockets_established'))).toEqual([1, 1]);
    await connection.send(300_000);
    await connection.close();
    const sent = [...early, ...(await client.untilClosed(1))].filter(
      ({ side }) => side === 'client',
    );
    const received = [...early, ...(await server.untilClosed(1))].filter(
      ({ side }) => side === 'server',
    );
    expect(total(sent, 'bytes_delivered')).toBe(300_000 + FIN);
    expect(total(received, 'bytes_received')).toBe(300_000 + FIN);
    expect(total([...sent, ...received], 'connect_attempts')).toBe(0);
    expect(client.counters().sockets_adopted).toBe(1);
    expect(client.counters().sides_guessed).toBe(0);
    expect(server.counters().sides_guessed).toBe(0);
  });

  test("have the kernel's own count of retransmissions from the adoption on", async () => {
    const connection = await SteppedConnection.open(network, [SERVER, PORT]);
    await network.lose('b', 3);
    await connection.send(10_000_000);
    await untilAcked(network, 'a', { address: SERVER, bytes: 10_000_000 + OPENING });
    client.start();
    const before = await retransSegs(network, 'a');
    await connection.send(10_000_000);
    await connection.close();
    const flows = await client.untilClosed(1);
    const after = await retransSegs(network, 'a');
    const counted = totalRetrans(flows);
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBe(after - before);
  });

  test('without a listener count as the side with the lower port, and as guessed', async () => {
    await startServer(network, 'b', ['serve-one', 9_100]);
    const connection = await SteppedConnection.open(network, [SERVER, 9_100]);
    client.start();
    server.start();
    const [flow] = await server.window();
    expect(flow?.key).toBe(`server ${SERVER} ${CLIENT} 9100`);
    expect(server.counters().sides_guessed).toBe(1);
    expect(client.counters().sides_guessed).toBe(0);
    await connection.close();
  });

  test('from a bound port are a client even if another socket listens on a lower port', async () => {
    const connection = await SteppedConnection.open(network, [SERVER, PORT, 45_000]);
    client.start();
    const [flow] = await client.window();
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} ${PORT}`);
    expect(client.counters().sides_guessed).toBe(1);
    await connection.close();
  });

  test('are named after the processes and cgroups of both ends', async () => {
    const connection = await SteppedConnection.open(network, [SERVER, PORT]);
    client.start();
    server.start();
    const [sender] = await client.window();
    const [receiver] = await server.window();
    expect(sender?.owner).toBe(`node /${network.host('a').namespace}`);
    expect(receiver?.owner).toBe(`node /${network.host('b').namespace}`);
    await connection.close();
  });

  test('of another cgroup are ignored', async () => {
    const outside = { outsideCgroup: true };
    const connection = await SteppedConnection.open(network, [SERVER, PORT], outside);
    client.start();
    expect(await client.window()).toEqual([]);
    expect(client.counters().sockets_adopted).toBe(0);
    await connection.close();
  });

  test('that are opened while the agent starts are counted once, as new', async () => {
    client.start();
    const connection = await SteppedConnection.open(network, [SERVER, PORT]);
    client.adopt();
    const [flow] = await client.window();
    expect(flow?.plain('connect_attempts')).toBe(1);
    expect(flow?.plain('sockets_established')).toBe(1);
    expect(client.counters().sockets_adopted).toBe(0);
    await connection.close();
  });
});
