import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  CLIENT,
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
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();

const OPENING = 1 + 'sink\n'.length;
const FIN = 1;

describe.skipIf(missing !== undefined)(`connections by netlink alone ${missing ?? ''}`, () => {
  const pair = watchedPair({ number: 6, source: () => new NetlinkWatch() });

  const traffic = (...args: (string | number)[]) => runTraffic(pair.network, 'a', args);

  test("bytes and retransmissions of an upload under loss are the kernel's own count", async () => {
    pair.client.start();
    pair.server.start();
    await pair.network.lose('b', 1);
    const before = await retransSegs(pair.network, 'a');
    const { bytesWritten } = await traffic('send', SERVER, PORT, 20_000_000);
    const sent = await pair.client.untilClosed(1);
    const received = await pair.server.untilClosed(1);
    expect(total(sent, 'bytes_delivered')).toBe(bytesWritten + 1 + FIN);
    expect(total(received, 'bytes_received')).toBe(bytesWritten + FIN);
    expect(sent[0]?.key).toBe(`client ${CLIENT} ${SERVER} ${PORT}`);
    expect(received[0]?.key).toBe(`server ${SERVER} ${CLIENT} ${PORT}`);
    expect(totalRetrans(sent)).toBe((await retransSegs(pair.network, 'a')) - before);
    expect(total(sent, 'connect_attempts')).toBe(1);
  });

  test('500 connections that no dump saw are all counted', async () => {
    pair.client.start();
    pair.server.start();
    await traffic('many', SERVER, PORT, 500);
    const flows = await pair.client.untilClosed(500);
    expect(total(flows, 'sockets_completed')).toBe(500);
    expect(total(flows, 'connect_attempts')).toBe(500);
    expect(total(await pair.server.untilClosed(500), 'sockets_completed')).toBe(500);
  });

  test('a live connection is counted up to now in each window, from its state at the start', async () => {
    const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
    await pair.network.lose('b', 5);
    let sentBefore = 0;
    const retransmitted = async () =>
      (await showConnection(pair.network, 'a', SERVER)).number('bytes_retrans');
    while ((await retransmitted()) === 0) {
      await connection.send(1_000_000);
      sentBefore += 1_000_000;
      await untilAcked(pair.network, 'a', { address: SERVER, bytes: sentBefore + OPENING });
    }
    await pair.network.lose('b', 0);
    pair.client.start();
    await connection.send(2_000_000);
    await untilAcked(pair.network, 'a', {
      address: SERVER,
      bytes: sentBefore + 2_000_000 + OPENING,
    });
    const [flow] = await pair.client.window();
    const shown = await showConnection(pair.network, 'a', SERVER);
    expect(flow?.plain('bytes_delivered')).toBe(2_000_000);
    expect(totalRetrans([flow!])).toBe(0);
    expect(flow?.plain('sockets_established')).toBe(1);
    expect(flow?.plain('connect_attempts')).toBe(0);
    expect(flow?.timing('min_rtt_us').sum).toBe(Math.round(shown.number('minrtt') * 1_000));
    expect(flow?.timing('rtt_smoothed_us').count).toBe(1);
    expect(flow?.owner).toBe(`undefined /${pair.network.host('a').namespace}`);
    await connection.close();
    const last = await pair.client.untilClosed(1);
    expect(total(last, 'bytes_delivered')).toBe(FIN);
  });

  test('an unanswered connection shows its retransmitted SYNs and timeouts', async () => {
    pair.client.start();
    const before = await retransSegs(pair.network, 'a');
    await pair.network.blackhole('b', 9002);
    await traffic('connect', SERVER, 9002, 3_500);
    const flows = await pair.client.untilClosed(1);
    const retransmitted = (await retransSegs(pair.network, 'a')) - before;
    expect(retransmitted).toBeGreaterThan(0);
    expect(total(flows, 'retrans_syn')).toBe(retransmitted);
    expect(total(flows, 'rtos_syn')).toBe(retransmitted);
  });

  test('metrics that netlink does not give are unknown, not 0', async () => {
    pair.client.start();
    await traffic('ping', SERVER, PORT, 1, 0);
    const [flow] = await pair.client.untilClosed(1);
    expect(flow?.plain('severed_connect')).toBeNaN();
    expect(flow?.plain('severed_establish')).toBeNaN();
    expect(flow?.timing('connect_us').count).toBe(0);
    expect(flow?.plain('busy_us')).not.toBeNaN();
  });

  test('a refused connection is an attempt', async () => {
    pair.client.start();
    await traffic('connect', SERVER, 9001, 5_000);
    const [flow] = await pair.client.untilClosed(1);
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} 9001`);
    expect(flow?.plain('connect_attempts')).toBe(1);
  });

  test('a client is no server because another address of the machine listens on its port', async () => {
    const other = createServer();
    onTestFinished(() => {
      other.close();
    });
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    pair.client.start();
    await traffic('connect', SERVER, PORT, 5_000, port);
    const [flow] = await pair.client.untilClosed(1);
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} ${PORT}`);
  });

  test('a reset by this host loses the connection on its side, which events_lost counts', async () => {
    pair.client.start();
    pair.server.start();
    await pair.client.window();
    const before = pair.client.counters().events_lost ?? 0;
    await traffic('reset', SERVER, PORT, 1_000);
    const received = await pair.server.untilClosed(1);
    expect(total(received, 'bytes_received')).toBe(1_000 + OPENING - 1);
    expect(total(await pair.client.window(), 'sockets_completed')).toBe(0);
    expect(pair.client.counters().events_lost).toBeGreaterThan(before);
  });

  test('ends beyond the buffer count as lost, and their connections are dropped', async () => {
    const watch = new HostWatch(pair.network.host('a'), { source: new NetlinkWatch(4_096) });
    onTestFinished(() => watch.stop());
    watch.start();
    await traffic('many', SERVER, PORT, 200);
    const flows = await watch.window();
    expect(total(flows, 'sockets_completed')).toBeLessThan(200);
    expect(watch.counters().events_lost).toBeGreaterThan(0);
  });
});
