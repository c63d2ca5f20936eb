import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { startLabAgent } from '../../src/lab/net/lab-agent.ts';
import { createLabNetwork, type LabNetwork } from '../../src/lab/net/lab-network.ts';
import type { ServerProcess } from '../../src/lab/server-process.ts';
import { ec2Arn } from '../../src/model/arn.ts';
import type { DestinationCategory } from '../../src/model/category.ts';
import { stableId } from '../../src/model/ids.ts';
import { retransSegs, runTraffic, serveTraffic, trafficCommand } from '../lab/watched-lab.ts';
import { ACCOUNT, ApiView, type Flow, REGION, sumOf } from './api-view.ts';
import { startLabServer } from './lab-server.ts';

const missing = missingForLab();

/** A host of the lab: the identity expected from the API, and the options of its agent. */
function hostOf(name: string, third: number, place: { zone: string; network: string }) {
  const vpc = stableId('vpc', ACCOUNT, REGION, place.network);
  return {
    ...{ name, ...place, vpc, instance: `i-0000000000000000${name}` },
    ip: `10.203.${third}.2`,
    gateway: `10.203.${third}.1`,
    subnet: stableId('subnet', vpc, `10.203.${third}.0/24`),
  };
}
type Host = ReturnType<typeof hostOf>;

const A = hostOf('a', 11, { zone: 'use1-az1', network: 'default' });
const B = hostOf('b', 12, { zone: 'use1-az2', network: 'default' });
const C = hostOf('c', 13, { zone: 'use1-az1', network: 'default' });
const D = hostOf('d', 14, { zone: 'use1-az1', network: 'other' });
const HOSTS = [A, B, C, D];

/** A port for each case, so that the cases have different flows. */
const PORTS = {
  upload: 9001,
  download: 9002,
  lossy: 9003,
  steady: 9004,
  short: 9005,
  outside: 9006,
  refused: 9101,
  blackholed: 9102,
  loopback: 9201,
  known: 9301,
} as const;

const BYTES = ['bytesReceived', 'bytesDelivered'] as const;
const RETRANSMISSIONS = ['retransSyn', 'retransEst', 'retransClose'] as const;

/** Whether at least `count` connections of the flows have ended. */
const completed = (count: number) => (flows: readonly Flow[]) =>
  sumOf(flows, 'socketsCompleted') >= count;

describe.skipIf(missing !== undefined)(`a network of hosts and a router ${missing ?? ''}`, () => {
  let network: LabNetwork;
  let server: ServerProcess;
  let api: ApiView;

  beforeAll(async () => {
    network = await createLabNetwork({
      number: 5,
      hosts: HOSTS.map(({ name, ip, gateway }) => ({ name, address: `${ip}/24`, gateway })),
    });
    server = await startLabServer(
      network,
      HOSTS.map(({ name }) => name),
    );
    api = await ApiView.open(server);
    const { upload, download, lossy, steady, short, outside } = PORTS;
    await serveTraffic(network, 'b', upload, download, lossy, steady, short, outside, PORTS.known);
    for (const { name } of [C, D]) await serveTraffic(network, name, PORTS.known);
    await startAgent(A);
  });
  afterAll(async () => {
    await network?.stop();
    await server?.dispose();
  });
  afterEach(() => network?.lose('b', 0));

  const startAgent = ({ name, instance, zone, network: vpcName }: Host) =>
    startLabAgent(network, name, {
      endpoint: `${server.endpoint}/publish`,
      credentialsFile: join(server.data, 'credentials'),
      flags: ['--instance-id', instance, '--zone', zone, '--network', vpcName],
    });

  const traffic = (...args: (string | number)[]) => runTraffic(network, 'a', args);
  const fromA = (servicePort: number) => ({ localIp: A.ip, remoteIp: B.ip, servicePort });

  test('transfers of known size are the top contributors, with their bytes', async () => {
    const sent = await traffic('send', B.ip, PORTS.upload, 20_000_000);
    const received = await traffic('receive', B.ip, PORTS.download, 10_000_000);
    const uploads = await api.untilFlows(fromA(PORTS.upload), completed(1));
    const downloads = await api.untilFlows(fromA(PORTS.download), completed(1));
    expect(uploads).toHaveLength(1);
    expect(uploads[0]).toMatchObject({
      side: 'client',
      category: 'UNCLASSIFIED',
      localInstance: A.instance,
      localSubnet: A.subnet,
      localVpc: A.vpc,
      localAz: A.zone,
    });
    // The kernel counts SYN and FIN as a byte each, far less than 1%.
    expect(off(sumOf(uploads, ...BYTES), sent.bytesWritten)).toBeLessThan(0.01);
    expect(
      off(sumOf(downloads, ...BYTES), received.bytesRead + received.bytesWritten),
    ).toBeLessThan(0.01);

    const question = { metric: 'DATA_TRANSFERRED', category: 'UNCLASSIFIED' } as const;
    const rows = await api.monitorRows(question);
    expect(rows.map(({ targetPort }) => targetPort)).toEqual([PORTS.upload, PORTS.download]);
    expect(rows[0]).toMatchObject({
      localIp: A.ip,
      localInstanceId: A.instance,
      localSubnetId: A.subnet,
      localAz: A.zone,
      localRegion: REGION,
      remoteIp: B.ip,
      targetPort: PORTS.upload,
      destinationCategory: 'UNCLASSIFIED',
    });
    expect(off(Number(rows[0]?.value), sent.bytesWritten)).toBeLessThan(0.01);

    const insights = await api.insightRows(question);
    expect(insights).toHaveLength(1);
    expect(insights[0]).toMatchObject({
      accountId: ACCOUNT,
      localSubnetId: A.subnet,
      localVpcId: A.vpc,
      localAz: A.zone,
      localRegion: REGION,
      remoteIdentifier: REGION,
    });
    const all = sent.bytesWritten + received.bytesRead + received.bytesWritten;
    expect(off(Number(insights[0]?.value), all)).toBeLessThan(0.01);
  });

  test("under 3% loss retransmissions are the kernel's own count", async () => {
    const before = await retransSegs(network, 'a');
    await network.lose('b', 3);
    const sent = await traffic('send', B.ip, PORTS.lossy, 30_000_000);
    const flows = await api.untilFlows(fromA(PORTS.lossy), completed(1));
    const retransmitted = (await retransSegs(network, 'a')) - before;
    expect(retransmitted).toBeGreaterThan(0);
    expect(off(sumOf(flows, ...RETRANSMISSIONS), retransmitted)).toBeLessThanOrEqual(0.02);
    expect(off(sumOf(flows, ...BYTES), sent.bytesWritten)).toBeLessThan(0.01);

    const rows = await api.monitorRows({ metric: 'RETRANSMISSIONS', category: 'UNCLASSIFIED' });
    const lossy = rows.find(({ targetPort }) => targetPort === PORTS.lossy);
    expect(off(Number(lossy?.value), retransmitted)).toBeLessThanOrEqual(0.02);
  });

  test('the smoothed round trip of a steady exchange is what ss showed', async () => {
    const running = traffic('ping', B.ip, PORTS.steady, 150, 20);
    const shown = await smoothedRttsOf(running);
    const flows = await api.untilFlows(fromA(PORTS.steady), completed(1));
    const mean = sumOf(flows, 'rttSmoothedUsSum') / sumOf(flows, 'rttSmoothedUsCount');
    expect(sumOf(flows, 'rttSmoothedUsCount')).toBeGreaterThan(50);
    expect(mean).toBeGreaterThan(Math.min(...shown) * 0.8);
    expect(mean).toBeLessThan(Math.max(...shown) * 1.2);
  });

  /** The smoothed RTTs that `ss` shows on host a until the traffic ends, in microseconds. */
  async function smoothedRttsOf(running: Promise<unknown>): Promise<readonly number[]> {
    const shown: number[] = [];
    let isOver = false;
    const over = running.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const argv = ['ss', '-tin', `dst ${B.ip}:${PORTS.steady}`];
      const { stdout } = await network.exec('a', argv, { outsideCgroup: true });
      for (const [, rtt] of stdout.matchAll(/\brtt:([\d.]+)\//g)) shown.push(Number(rtt) * 1_000);
      await delay(20);
    }
    await over;
    return shown;
  }

  test('200 connections shorter than 50 ms are all counted', async () => {
    // A busy machine may delay a connection beyond 50 ms: make another 200 then.
    let made = 0;
    let longestMillis: number;
    do {
      ({ longestMillis } = await traffic('many', B.ip, PORTS.short, 200));
      made += 200;
    } while (longestMillis >= 50 && made < 2_000);
    const flows = await api.untilFlows(fromA(PORTS.short), completed(made));
    expect(longestMillis).toBeLessThan(50);
    expect(sumOf(flows, 'connectAttempts')).toBe(made);
    expect(sumOf(flows, 'socketsCompleted')).toBe(made);
    expect(sumOf(flows, 'connectUsCount')).toBe(made);
  });

  test('a refused connection counts as a severed attempt', async () => {
    const { outcome } = await traffic('connect', B.ip, PORTS.refused, 10_000);
    const [flow] = await api.untilFlows(fromA(PORTS.refused), completed(1));
    expect(outcome).toBe('ECONNREFUSED');
    expect(flow).toMatchObject({
      connectAttempts: 1,
      severedConnect: 1,
      severedEstablish: 0,
      retransSyn: 0,
      bytesDelivered: 0,
      connectUsCount: 0,
    });
  });

  test('an unanswered connection shows its lost SYNs', async () => {
    const before = await retransSegs(network, 'a');
    await network.blackhole('b', PORTS.blackholed);
    const { outcome } = await traffic('connect', B.ip, PORTS.blackholed, 3_500);
    const flows = await api.untilFlows(fromA(PORTS.blackholed), completed(1));
    const retransmitted = (await retransSegs(network, 'a')) - before;
    expect(outcome).toBe('timeout');
    expect(retransmitted).toBeGreaterThan(0);
    expect(sumOf(flows, 'retransSyn')).toBe(retransmitted);
    expect(sumOf(flows, 'rtosSyn')).toBe(retransmitted);
    expect(sumOf(flows, 'connectAttempts')).toBe(1);
    expect(sumOf(flows, 'severedConnect')).toBe(1);
    expect(sumOf(flows, ...BYTES)).toBe(0);

    const rows = await api.monitorRows({ metric: 'TIMEOUTS', category: 'UNCLASSIFIED' });
    const blackholed = rows.find(({ targetPort }) => targetPort === PORTS.blackholed);
    expect(Number(blackholed?.value)).toBe(retransmitted);
  });

  test('traffic outside the watched cgroup, and ports without traffic, have no row', async () => {
    const command = trafficCommand('ping', B.ip, PORTS.outside, 3, 0);
    await network.exec('a', command, { outsideCgroup: true });
    // The cgroup's later connection is reported, so an earlier one would have been reported by now.
    await traffic('ping', B.ip, PORTS.steady, 1, 0);
    await api.untilFlows(fromA(PORTS.steady), completed(2));
    const { upload, download, lossy, steady, short, refused, blackholed } = PORTS;
    const happened = [upload, download, lossy, steady, short, refused, blackholed];
    const observed = (await api.flows()).map(keyOf);
    expect(observed.toSorted()).toEqual(
      happened.map((port) => `client ${A.ip} ${B.ip} ${port} UNCLASSIFIED`).toSorted(),
    );
    const categories = ['INTRA_AZ', 'INTER_AZ', 'INTER_VPC', 'INTERNET'] as const;
    for (const category of categories) {
      expect(await api.insightRows({ metric: 'DATA_TRANSFERRED', category })).toEqual([]);
    }
  });

  describe('with agents on all hosts', () => {
    beforeAll(async () => {
      for (const host of [B, C, D]) {
        await startAgent(host);
        // The server knows a host once it has read its first report. This connection's row proves
        // that it has.
        await runTraffic(network, host.name, ['connect', host.ip, PORTS.loopback, 10_000]);
        await api.untilFlows({ localIp: host.ip, remoteIp: host.ip }, completed(1));
      }
    });

    test.each([
      { name: 'another zone', category: 'INTER_AZ', to: B },
      { name: 'the same zone', category: 'INTRA_AZ', to: C },
      { name: 'another network', category: 'INTER_VPC', to: D },
    ] as const)('a transfer to $name is $category on both sides', async ({ category, to }) => {
      const sent = await traffic('send', to.ip, PORTS.known, 5_000_000);
      const rows = await untilMonitorRows(category, sent.bytesWritten);
      const ends = [
        { side: 'client', local: A, remote: to, targetPort: PORTS.known },
        { side: 'server', local: to, remote: A, targetPort: 0 },
      ];
      for (const { side, local, remote, targetPort } of ends) {
        const filter = { localIp: local.ip, remoteIp: remote.ip, servicePort: PORTS.known };
        const flows = await api.untilFlows(filter, completed(1));
        expect(flows).toHaveLength(1);
        expect(flows[0]).toMatchObject({ side, category, ...endsOfFlow(local, remote) });
        expect(off(sumOf(flows, ...BYTES), sent.bytesWritten)).toBeLessThan(0.01);
        const row = rows.find((each) => each.localIp === local.ip && each.remoteIp === remote.ip);
        expect(row).toMatchObject({ targetPort, ...endsOfRow(local, remote) });
        expect(row?.destinationCategory).toBe(category);
        expect(off(Number(row?.value), sent.bytesWritten)).toBeLessThan(0.01);
      }
      const insights = await api.insightRows({ metric: 'DATA_TRANSFERRED', category });
      const arn = ec2Arn({ account: ACCOUNT, region: REGION }, 'subnet', to.subnet);
      const insight = insights.find((row) => row.remoteIdentifier === arn);
      expect(insight?.localSubnetId).toBe(A.subnet);
      expect(off(Number(insight?.value), sent.bytesWritten)).toBeLessThan(0.01);
    });

    /** Waits until both ends have reported a transfer; returns the category's top contributors. */
    async function untilMonitorRows(category: DestinationCategory, bytes: number) {
      const latest = Date.now() + 30_000;
      for (;;) {
        const rows = await api.monitorRows({ metric: 'DATA_TRANSFERRED', category });
        const whole = rows.filter(({ value }) => Number(value) >= bytes);
        if (whole.length >= 2 || Date.now() > latest) return rows;
        await delay(200);
      }
    }
  });
});

/** The relative error of a number. */
function off(value: number, expected: number): number {
  return Math.abs(value - expected) / expected;
}

function endsOfFlow(local: Host, remote: Host) {
  return {
    ...{ localInstance: local.instance, localSubnet: local.subnet },
    ...{ localVpc: local.vpc, localAz: local.zone },
    ...{ remoteInstance: remote.instance, remoteSubnet: remote.subnet },
    ...{ remoteVpc: remote.vpc, remoteAz: remote.zone },
  };
}

function endsOfRow(local: Host, remote: Host) {
  return {
    ...{ localInstanceId: local.instance, localSubnetId: local.subnet },
    ...{ localVpcId: local.vpc, localAz: local.zone },
    ...{ remoteInstanceId: remote.instance, remoteSubnetId: remote.subnet },
    ...{ remoteVpcId: remote.vpc, remoteAz: remote.zone },
  };
}

function keyOf({ side, localIp, remoteIp, servicePort, category }: Flow): string {
  return `${side} ${localIp} ${remoteIp} ${servicePort} ${category}`;
}
