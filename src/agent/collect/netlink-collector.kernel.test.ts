import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  CLIENT,
  createWatchedPair,
  HostWatch,
  PORT,
  retransSegs,
  runTraffic,
  SERVER,
  SteppedConnection,
  showConnection,
  total,
  totalRetrans,
  untilAcked,
} from '../../../test/lab/watched-lab.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import type { LabNetwork } from '../../lab/net/lab-network.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();
if (missing !== undefined && process.env.CI_REQUIRE?.includes('kernel')) throw new Error(missing);

const OPENING = 1 + 'sink\n'.length;
const FIN = 1;

describe.skipIf(missing !== undefined)(`connections by netlink alone ${missing ?? ''}`, () => {
  let network: LabNetwork;
  let client: HostWatch;
  let server: HostWatch;

  beforeAll(async () => {
    network = await createWatchedPair(6);
  });
  afterAll(async () => {
    await network?.stop();
  });

  beforeEach(() => {
    client = new HostWatch(network.host('a'), { source: new NetlinkWatch() });
    server = new HostWatch(network.host('b'), { source: new NetlinkWatch() });
  });
  afterEach(async () => {
    client.stop();
    server.stop();
    await network.lose('b', 0);
  });

  const traffic = (...args: (string | number)[]) => runTraffic(network, 'a', args);

  test("bytes and retransmissions of an upload under loss are the kernel's own count", async () => {
    client.start();
    server.start();
    await network.lose('b', 1);
    const before = await retransSegs(network, 'a');
    const { bytesWritten } = await traffic('send', SERVER, PORT, 20_000_000);
    const sent = await client.untilClosed(1);
    const received = await server.untilClosed(1);
    expect(total(sent, 'bytes_delivered')).toBe(bytesWritten + 1 + FIN);
    expect(total(received, 'bytes_received')).toBe(bytesWritten + FIN);
    expect(sent[0]?.key).toBe(`client ${CLIENT} ${SERVER} ${PORT}`);
    expect(received[0]?.key).toBe(`server ${SERVER} ${CLIENT} ${PORT}`);
    expect(totalRetrans(sent)).toBe((await retransSegs(network, 'a')) - before);
    expect(total(sent, 'connect_attempts')).toBe(1);
  });

  test('500 connections that no dump saw are all counted', async () => {
    client.start();
    server.start();
    await traffic('many', SERVER, PORT, 500);
    const flows = await client.untilClosed(500);
    expect(total(flows, 'sockets_completed')).toBe(500);
    expect(total(flows, 'connect_attempts')).toBe(500);
    expect(total(await server.untilClosed(500), 'sockets_completed')).toBe(500);
  });

  test('a live connection is counted up to now in each window, from its state at the start', async () => {
    const connection = await SteppedConnection.open(network, [SERVER, PORT]);
    await network.lose('b', 5);
    let sentBefore = 0;
    const retransmitted = async () =>
      (await showConnection(network, 'a', SERVER)).number('bytes_retrans');
    while ((await retransmitted()) === 0) {
      await connection.send(1_000_000);
      sentBefore += 1_000_000;
      await untilAcked(network, 'a', { address: SERVER, bytes: sentBefore + OPENING });
    }
    await network.lose('b', 0);
    client.start();
    await connection.send(2_000_000);
    await untilAcked(network, 'a', { address: SERVER, bytes: sentBefore + 2_000_000 + OPENING });
    const [flow] = await client.window();
    const shown = await showConnection(network, 'a', SERVER);
    expect(flow?.plain('bytes_delivered')).toBe(2_000_000);
    expect(totalRetrans([flow!])).toBe(0);
    expect(flow?.plain('sockets_established')).toBe(1);
    expect(flow?.plain('connect_attempts')).toBe(0);
    expect(flow?.timing('min_rtt_us').sum).toBe(Math.round(shown.number('minrtt') * 1_000));
    expect(flow?.timing('rtt_smoothed_us').count).toBe(1);
    expect(flow?.owner).toBe(`undefined /${network.host('a').namespace}`);
    await connection.close();
    const last = await client.untilClosed(1);
    expect(total(last, 'bytes_delivered')).toBe(FIN);
  });

  test('an unanswered connection shows its retransmitted SYNs and timeouts', async () => {
    client.start();
    const before = await retransSegs(network, 'a');
    await network.blackhole('b', 9002);
    await traffic('connect', SERVER, 9002, 3_500);
    const flows = await client.untilClosed(1);
    const retransmitted = (await retransSegs(network, 'a')) - before;
    expect(retransmitted).toBeGreaterThan(0);
    expect(total(flows, 'retrans_syn')).toBe(retransmitted);
    expect(total(flows, 'rtos_syn')).toBe(retransmitted);
  });

  test('metrics that netlink does not give are unknown, not 0', async () => {
    client.start();
    await traffic('ping', SERVER, PORT, 1, 0);
    const [flow] = await client.untilClosed(1);
    expect(flow?.plain('severed_connect')).toBeNaN();
    expect(flow?.plain('severed_establish')).toBeNaN();
    expect(flow?.timing('connect_us').count).toBe(0);
    expect(flow?.plain('busy_us')).not.toBeNaN();
  });

  test('a refused connection is an attempt', async () => {
    client.start();
    await traffic('connect', SERVER, 9001, 5_000);
    const [flow] = await client.untilClosed(1);
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} 9001`);
    expect(flow?.plain('connect_attempts')).toBe(1);
  });

  test('a reset by this host loses the connection on its side, which events_lost counts', async () => {
    client.start();
    server.start();
    await client.window();
    const before = client.counters().events_lost ?? 0;
    await traffic('reset', SERVER, PORT, 1_000);
    const received = await server.untilClosed(1);
    expect(total(received, 'bytes_received')).toBe(1_000 + OPENING - 1);
    expect(total(await client.window(), 'sockets_completed')).toBe(0);
    expect(client.counters().events_lost).toBeGreaterThan(before);
  });

  test('ends beyond the buffer count as lost, and their connections are dropped', async () => {
    client = new HostWatch(network.host('a'), { source: new NetlinkWatch(4_096) });
    client.start();
    await traffic('many', SERVER, PORT, 200);
    const flows = await client.window();
    expect(total(flows, 'sockets_completed')).toBeLessThan(200);
    expect(client.counters().events_lost).toBeGreaterThan(0);
  });
});
