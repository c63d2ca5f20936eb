import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  CLIENT,
  type FlowView,
  PORT,
  retransSegs,
  runTraffic,
  SERVER,
  total,
  totalRetrans,
  trafficCommand,
} from '../../../test/lab/watched-lab.ts';
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { attachedPrograms } from '../kernel/attached-programs.ts';

const missing = missingForLab();

const CLIENT_FLOW = `client ${CLIENT} ${SERVER} ${PORT}`;
const SERVER_FLOW = `server ${SERVER} ${CLIENT} ${PORT}`;

describe.skipIf(missing !== undefined)(`connections of a lab network ${missing ?? ''}`, () => {
  const pair = watchedPair({ number: 1, isStarted: true });

  const traffic = (...args: (string | number)[]) => runTraffic(pair.network, 'a', args);

  test('every byte of an upload is counted on both sides, with SYN and FIN', async () => {
    const sent = await traffic('send', SERVER, PORT, 20_000_000);
    const [flow, ...others] = await pair.client.untilClosed(1);
    const [other] = await pair.server.untilClosed(1);
    expect(others).toEqual([]);
    expect(flow?.key).toBe(CLIENT_FLOW);
    expect(other?.key).toBe(SERVER_FLOW);
    expect(flow?.plain('bytes_delivered')).toBe(sent.bytesWritten + 2);
    expect(other?.plain('bytes_received')).toBe(sent.bytesWritten + 1);
    expect(flow?.plain('connect_attempts')).toBe(1);
    expect(other?.plain('connect_attempts')).toBe(0);
    expect(flow?.timing('connect_us').count).toBe(1);
    expect(flow?.plain('severed_connect')).toBe(0);
    expect(flow?.plain('severed_establish')).toBe(0);
    expect(total([flow!, other!], 'segments_delivered')).toBeGreaterThan(0);
  });

  test('bytes are counted once, however many windows a transfer takes', async () => {
    const running = traffic('send', SERVER, PORT, 300_000_000);
    const windows: FlowView[] = [];
    while (total(windows, 'sockets_completed') === 0) {
      pair.client.collect();
      windows.push(...(await pair.client.window()));
      await delay(20);
    }
    expect(windows.length).toBeGreaterThan(1);
    expect(total(windows, 'bytes_delivered')).toBe((await running).bytesWritten + 2);
    expect(total(windows, 'connect_attempts')).toBe(1);
  });

  test("under 3% loss retransmissions are the kernel's own count", async () => {
    const before = await retransSegs(pair.network, 'a');
    await pair.network.lose('b', 3);
    const sent = await traffic('send', SERVER, PORT, 30_000_000);
    const flows = await pair.client.untilClosed(1);
    const retransmitted = (await retransSegs(pair.network, 'a')) - before;
    expect(retransmitted).toBeGreaterThan(0);
    expect(totalRetrans(flows)).toBe(retransmitted);
    expect(total(flows, 'bytes_delivered')).toBe(sent.bytesWritten + 2);
  });

  test('200 connections of a few milliseconds are all counted', async () => {
    await traffic('many', SERVER, PORT, 200);
    const flows = await pair.client.untilClosed(200);
    const served = await pair.server.untilClosed(200);
    expect(total(flows, 'connect_attempts')).toBe(200);
    expect(total(flows, 'sockets_completed')).toBe(200);
    expect(flows[0]?.timing('connect_us').count).toBe(200);
    expect(total(served, 'sockets_completed')).toBe(200);
    expect(new Set(flows.map(({ key }) => key))).toEqual(new Set([CLIENT_FLOW]));
  });

  test('a refused connection is an attempt that was severed', async () => {
    const { outcome } = await traffic('connect', SERVER, 9001, 5_000);
    const [flow] = await pair.client.untilClosed(1);
    expect(outcome).toBe('ECONNREFUSED');
    expect(flow?.key).toBe(`client ${CLIENT} ${SERVER} 9001`);
    expect(flow?.plain('connect_attempts')).toBe(1);
    expect(flow?.plain('severed_connect')).toBe(1);
    expect(flow?.plain('bytes_delivered')).toBe(0);
    expect(flow?.timing('connect_us').count).toBe(0);
    expect(await pair.server.window()).toEqual([]);
  });

  test('a socket that connects again before its first end is read is two connections', async () => {
    const { outcome } = await traffic('again', SERVER, 9001, PORT);
    const flows = await pair.client.untilClosed(2);
    expect(outcome).toBe('-1 0');
    const refused = flows.filter(({ key }) => key === `client ${CLIENT} ${SERVER} 9001`);
    const served = flows.filter(({ key }) => key === CLIENT_FLOW);
    expect(total(refused, 'severed_connect')).toBe(1);
    expect(total(refused, 'sockets_completed')).toBe(1);
    expect(total(served, 'severed_connect')).toBe(0);
    expect(total(served, 'sockets_completed')).toBe(1);
    expect(total(served, 'bytes_delivered')).toBe(2);
    expect(total(flows, 'connect_attempts')).toBe(2);
  });

  test('an unanswered connection shows its retransmitted SYNs and timeouts', async () => {
    const before = await retransSegs(pair.network, 'a');
    await pair.network.blackhole('b', 9002);
    const { outcome } = await traffic('connect', SERVER, 9002, 3_500);
    const flows = await pair.client.untilClosed(1);
    const retransmitted = (await retransSegs(pair.network, 'a')) - before;
    expect(outcome).toBe('timeout');
    expect(retransmitted).toBeGreaterThan(0);
    expect(total(flows, 'retrans_syn')).toBe(retransmitted);
    expect(total(flows, 'rtos_syn')).toBe(retransmitted);
    expect(total(flows, 'connect_attempts')).toBe(1);
    expect(total(flows, 'severed_connect')).toBe(1);
  });

  test('an unanswered connection is at the level of connecting while it lasts', async () => {
    await pair.network.blackhole('b', 9003);
    const child = pair.network.spawn('a', trafficCommand('connect', SERVER, 9003, 60_000));
    let [flow] = await pair.client.window();
    while (flow === undefined) [flow] = await pair.client.window();
    expect(flow.plain('sockets_connecting')).toBe(1);
    expect(flow.plain('sockets_established')).toBe(0);
    child.kill('SIGKILL');
    expect((await pair.client.untilClosed(1)).at(-1)?.plain('sockets_connecting')).toBe(0);
  });

  test("lost SYN-ACKs count as the server side's retransmissions", async () => {
    const before = await retransSegs(pair.network, 'b');
    await pair.network.lose('a', 100);
    const running = traffic('ping', SERVER, PORT, 1, 0);
    while ((await retransSegs(pair.network, 'b')) === before) await delay(20);
    await pair.network.lose('a', 0);
    await running;
    const served = await pair.server.untilClosed(1);
    const retransmitted = (await retransSegs(pair.network, 'b')) - before;
    expect(total(served, 'retrans_syn')).toBeGreaterThan(0);
    expect(totalRetrans(served)).toBe(retransmitted);
  });

  test('an open connection that only receives is counted up to now in each window', async () => {
    const child = pair.network.spawn(
      'a',
      trafficCommand('receive', SERVER, PORT, 10_000_000, 60_000),
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const [flow] = await pair.client.window();
    expect(flow?.plain('bytes_received')).toBe(10_000_000);
    expect(flow?.plain('sockets_established')).toBe(1);
    const [again] = await pair.client.window();
    expect(again?.plain('bytes_received')).toBe(0);
    expect(again?.plain('sockets_established')).toBe(1);
    child.kill('SIGKILL');
    const last = await pair.client.untilClosed(1);
    expect(total(last, 'bytes_received')).toBeLessThanOrEqual(1);
  });

  test('the smoothed round trip of a steady exchange is as in ss', async () => {
    const running = traffic('ping', SERVER, PORT, 100, 20);
    const shown: number[] = [];
    let isOver = false;
    const over = running.then(() => {
      isOver = true;
    });
    while (!isOver) {
      const { stdout } = await pair.network.exec('a', ['ss', '-tin', `dst ${SERVER}`]);
      for (const [, rtt] of stdout.matchAll(/\brtt:([\d.]+)\//g)) shown.push(Number(rtt) * 1_000);
      pair.client.collect();
      await delay(30);
    }
    await over;
    const [flow] = await pair.client.untilClosed(1);
    const { count, sum } = flow!.timing('rtt_smoothed_us');
    expect(count).toBeGreaterThan(50);
    expect(sum / count).toBeGreaterThan(Math.min(...shown) * 0.8);
    expect(sum / count).toBeLessThan(Math.max(...shown) * 1.2);
  });

  test('connections of other cgroups are not seen', async () => {
    const outside = { outsideCgroup: true };
    await pair.network.exec('a', trafficCommand('ping', SERVER, PORT, 2, 0), outside);
    await pair.server.untilClosed(1);
    expect(await pair.client.window()).toEqual([]);
  });

  test('after stop nothing is attached', () => {
    const { cgroup } = pair.network.host('a');
    expect(attachedPrograms(cgroup)).toHaveLength(1);
    pair.client.stop();
    expect(attachedPrograms(cgroup)).toEqual([]);
  });
});
