import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  CLIENT,
  createWatchedPair,
  PORT,
  SERVER,
  type ShownConnection,
  SteppedConnection,
  showConnection,
  total,
  trafficCommand,
  untilAcked,
} from '../../../test/lab/watched-lab.ts';
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import type { LabNetwork } from '../../lab/net/lab-network.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();

const OPENING = 1 + 'sink\n'.length;

/** Hosts that negotiate ECN. */
async function createEcnPair(number: number): Promise<LabNetwork> {
  const network = await createWatchedPair(number);
  for (const host of ['a', 'b']) {
    await network.exec(host, ['sysctl', '-qw', 'net.ipv4.tcp_ecn=1']);
  }
  return network;
}

const COLLECTORS = [
  { name: 'eBPF', number: 4, source: () => undefined },
  { name: 'netlink', number: 9, source: () => new NetlinkWatch() },
];

describe.skipIf(missing !== undefined).each(COLLECTORS)(
  `what held a connection up, by $name ${missing ?? ''}`,
  ({ number, source }) => {
    const pair = watchedPair({ number, source, isStarted: true, create: createEcnPair });

    const shownOnClient = () => showConnection(pair.network, 'a', SERVER);

    /** A time that `ss` shows in milliseconds, in microseconds. */
    const micros = (shown: ShownConnection, name: string) => shown.number(name) * 1_000;

    test('a receiver that reads nothing limits its sender', async () => {
      const child = pair.network.spawn('a', trafficCommand('stall', SERVER, PORT, 50_000_000), {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout!, 'data');
      while ((await shownOnClient()).number('rwnd_limited') < 400) await delay(20);
      const before = await shownOnClient();
      const [flow] = await pair.client.window();
      const after = await shownOnClient();
      for (const name of ['busy', 'rwnd_limited']) {
        const counted = flow!.plain(name === 'busy' ? 'busy_us' : 'rwnd_limited_us');
        expect(counted).toBeGreaterThanOrEqual(micros(before, name));
        expect(counted).toBeLessThanOrEqual(micros(after, name));
      }
      expect(flow!.plain('rwnd_limited_us')).toBeGreaterThan(flow!.plain('busy_us') * 0.7);
      child.kill('SIGKILL');
      // The kernel would probe the closed window for minutes.
      await pair.network.exec('a', ['ss', '-K', `dst ${SERVER}`]);
      await pair.client.untilClosed(1);
    });

    test('a send buffer too small for the path limits its sender', async () => {
      const usual = (
        await pair.network.exec('a', ['sysctl', '-n', 'net.ipv4.tcp_wmem'])
      ).stdout.trim();
      const link = pair.network.routerInterface('b');
      const queue = ['root', 'tbf', 'rate', '4mbit', 'burst', '3000', 'latency', '1s'];
      await pair.network.exec('a', ['sysctl', '-qw', 'net.ipv4.tcp_wmem=4096 16384 16384']);
      await pair.network.inRouter(['tc', 'qdisc', 'add', 'dev', link, ...queue]);
      const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
      await connection.send(500_000);
      await untilAcked(pair.network, 'a', { address: SERVER, bytes: 500_000 + OPENING });
      const [flow] = await pair.client.window();
      const shown = await shownOnClient();
      expect(shown.number('sndbuf_limited')).toBeGreaterThan(0);
      expect(flow!.plain('sndbuf_limited_us')).toBe(micros(shown, 'sndbuf_limited'));
      expect(flow!.plain('busy_us')).toBe(micros(shown, 'busy'));
      await connection.close();
      await pair.network.inRouter(['tc', 'qdisc', 'del', 'dev', link, 'root']);
      await pair.network.exec('a', ['sysctl', '-qw', `net.ipv4.tcp_wmem=${usual}`]);
    });

    test('a sender with nothing to send is not busy', async () => {
      const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
      await delay(300);
      await connection.send(1_000);
      await delay(300);
      const [flow] = await pair.client.window();
      expect(flow!.plain('busy_us')).toBeLessThanOrEqual(8_000);
      expect(flow!.plain('rwnd_limited_us')).toBe(0);
      expect(flow!.plain('sndbuf_limited_us')).toBe(0);
      await connection.close();
    });

    test('segments out of order, reorderings, DSACKs, minimum round trip and rate are as in ss', async () => {
      await pair.network.lose('b', 2);
      const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
      await connection.send(20_000_000);
      await untilAcked(pair.network, 'a', { address: SERVER, bytes: 20_000_000 + OPENING });
      const [sent] = await pair.client.window();
      const [received] = await pair.server.window();
      const sender = await shownOnClient();
      const receiver = await showConnection(pair.network, 'b', CLIENT);
      expect(received!.plain('segments_out_of_order')).toBeGreaterThan(0);
      expect(received!.plain('segments_out_of_order')).toBe(receiver.number('rcv_ooopack'));
      expect(sent!.plain('dsacks')).toBe(sender.number('dsack_dups'));
      expect(sent!.plain('reorderings')).toBe(sender.number('reord_seen'));
      expect(sent!.timing('min_rtt_us')).toMatchObject({
        count: 1,
        sum: Math.round(sender.number('minrtt') * 1_000),
      });
      expect(sent!.timing('delivery_rate').max).toBeGreaterThan(0);
      await connection.close();
    });

    test('segments marked as congested are as many as ss shows', async () => {
      await pair.network.markCongested('b', 10);
      const connection = await SteppedConnection.open(pair.network, [SERVER, PORT]);
      await connection.send(10_000_000);
      await untilAcked(pair.network, 'a', { address: SERVER, bytes: 10_000_000 + OPENING });
      const shown = (await shownOnClient()).number('delivered_ce');
      const flows = await pair.client.window();
      expect(shown).toBeGreaterThan(0);
      expect(total(flows, 'segments_ce')).toBe(shown);
      // The last segment may be marked as well.
      await connection.close();
      const last = await pair.client.untilClosed(1);
      expect(total(last, 'segments_ce')).toBeLessThanOrEqual(1);
    });
  },
);
