import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type FlowView,
  HostWatch,
  kernelCount,
  PORT,
  retransSegs,
  runTraffic,
  SERVER,
  SteppedConnection,
  serveTraffic,
  total,
  totalRetrans,
} from '../../../test/lab/watched-lab.ts';
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();

const SYN = 1;
const FIN = 1;

/** Bytes that `many` sends in each connection, and as many that it receives. */
const HELLO = 'echo\nhello'.length;

const totalRtos = (flows: readonly FlowView[]) =>
  total(flows, 'rtos_syn') + total(flows, 'rtos_est') + total(flows, 'rtos_close');

const COLLECTORS = [
  { name: 'eBPF', number: 7, source: () => undefined },
  { name: 'netlink', number: 8, source: () => new NetlinkWatch() },
];

describe.skipIf(missing !== undefined).each(COLLECTORS)(
  `what the kernel counts is counted by $name ${missing ?? ''}`,
  ({ name, number, source }) => {
    const isWhole = name === 'eBPF';
    const pair = watchedPair({ number, source, isStarted: true });

    const traffic = (...args: (string | number)[]) => runTraffic(pair.network, 'a', args);

    /** Expects each connection and every byte, on both sides. */
    const expectAll = async (connections: number) => {
      const sent = await pair.client.untilClosed(connections);
      const received = await pair.server.untilClosed(connections);
      expect(total(sent, 'sockets_completed')).toBe(connections);
      expect(total(sent, 'connect_attempts')).toBe(connections);
      expect(total(sent, 'bytes_delivered')).toBe(connections * (HELLO + SYN + FIN));
      expect(total(received, 'sockets_completed')).toBe(connections);
      expect(total(received, 'bytes_received')).toBe(connections * (HELLO + FIN));
      expect(pair.client.counters().map_insertion_errors).toBe(0);
    };

    test.each([
      { percent: 0.1, to: 'b' },
      { percent: 1, to: 'b' },
      { percent: 5, to: 'b' },
      { percent: 0.1, to: 'a' },
      { percent: 1, to: 'a' },
      { percent: 5, to: 'a' },
    ])(
      'under $percent% loss on the way to $to: bytes, retransmissions and timeouts',
      async ({ percent, to }) => {
        const counts = async () => ({
          retrans: await retransSegs(pair.network, 'a'),
          timeouts: await kernelCount(pair.network, 'a', 'TCPTimeouts'),
        });
        const before = await counts();
        await pair.network.lose(to, percent);
        const { bytesWritten } = await traffic('send', SERVER, PORT, 5_000_000);
        const sent = await pair.client.untilClosed(1);
        const received = await pair.server.untilClosed(1);
        const after = await counts();
        expect(total(sent, 'bytes_delivered')).toBe(bytesWritten + SYN + FIN);
        expect(total(received, 'bytes_received')).toBe(bytesWritten + FIN);
        expect(totalRetrans(sent)).toBe(after.retrans - before.retrans);
        expect(totalRtos(sent)).toBe(after.timeouts - before.timeouts);
      },
    );

    test('10,000 short connections, each of them and every byte, on both sides', async () => {
      await traffic('many', SERVER, PORT, 10_000, 50);
      await expectAll(10_000);
    });

    test('12,500 connections at a time, more than slots and ring have room for', async () => {
      await traffic('crowd', SERVER, PORT, 12_500);
      await expectAll(12_500);
      // Nothing was read while they closed, so some stayed in the table.
      if (isWhole) expect(pair.client.counters().closed_ring_full).toBeGreaterThan(0);
    });

    test('requests and responses, each segment of them', async () => {
      const before = await kernelCount(pair.network, 'a', 'RetransSegs');
      const { bytesWritten, bytesRead } = await traffic('ping', SERVER, PORT, 200, 1);
      const sent = await pair.client.untilClosed(1);
      const answered = await pair.server.untilClosed(1);
      expect(total(sent, 'bytes_delivered')).toBe(bytesWritten + SYN + FIN);
      expect(total(sent, 'bytes_received')).toBe(bytesRead + FIN);
      expect(total(answered, 'bytes_received')).toBe(bytesWritten + FIN);
      expect(total(answered, 'bytes_delivered')).toBe(bytesRead + FIN);
      // The client's first line, then a segment for each request.
      expect(total(sent, 'segments_delivered')).toBe(1 + 200);
      expect(total(answered, 'segments_delivered')).toBe(200);
      expect(totalRetrans(sent)).toBe(
        (await kernelCount(pair.network, 'a', 'RetransSegs')) - before,
      );
    });

    test('a connection reset in mid-stream has its bytes until then and is severed', async () => {
      await traffic('reset', SERVER, PORT, 1_000_000);
      const [severed] = await pair.server.untilClosed(1);
      expect(severed?.plain('bytes_received')).toBe(1_000_000 + 'echo\n'.length);
      // At a connection's end netlink does not report the state before it, and the socket that sent
      // the reset has lost its counters.
      if (!isWhole) return;
      const [reset] = await pair.client.untilClosed(1);
      expect(reset?.plain('bytes_received')).toBe(1_000_000);
      expect(reset?.plain('severed_establish')).toBe(1);
      expect(severed?.plain('severed_establish')).toBe(1);
    });

    test('a connection whose other end is gone stays open, and times out again and again', async () => {
      const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
      const before = await kernelCount(pair.network, 'a', 'TCPTimeouts');
      await pair.network.lose('a', 100);
      await pair.network.lose('b', 100);
      await connection.send(1_000);
      while ((await kernelCount(pair.network, 'a', 'TCPTimeouts')) < before + 2) await delay(50);
      const flows = await pair.client.window();
      const timeouts = (await kernelCount(pair.network, 'a', 'TCPTimeouts')) - before;
      expect(total(flows, 'sockets_established')).toBe(1);
      expect(total(flows, 'rtos_est')).toBeGreaterThanOrEqual(2);
      expect(total(flows, 'rtos_est')).toBeLessThanOrEqual(timeouts);
      await pair.network.lose('a', 0);
      await pair.network.lose('b', 0);
      await connection.close();
    });

    test('IPv6, both ends on one host', async () => {
      pair.client.stop();
      const watch = new HostWatch(pair.network.host('a'), { source: source(), address: '::1' });
      onTestFinished(() => watch.stop());
      watch.start();
      await serveTraffic(pair.network, 'a', 9_006);
      const { bytesWritten } = await traffic('send', '::1', 9_006, 1_000_000);
      const flows = await watch.untilClosed(2);
      const of = (side: string) => flows.filter((flow) => flow.side === side);
      expect(new Set(flows.map(({ key }) => key))).toEqual(
        new Set(['client ::1 ::1 9006', 'server ::1 ::1 9006']),
      );
      expect(total(of('client'), 'bytes_delivered')).toBe(bytesWritten + SYN + FIN);
      expect(total(of('server'), 'bytes_received')).toBe(bytesWritten + FIN);
    });
  },
);
