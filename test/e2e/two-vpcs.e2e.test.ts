import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MonitorRow } from '../../src/client/run-query.ts';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { startLabAgent } from '../../src/lab/net/lab-agent.ts';
import { createLabNetwork, type LabNetwork } from '../../src/lab/net/lab-network.ts';
import type { ServerProcess } from '../../src/lab/server-process.ts';
import type { DestinationCategory } from '../../src/model/category.ts';
import { stableId } from '../../src/model/ids.ts';
import { runTraffic, serveTraffic } from '../lab/watched-lab.ts';
import { ACCOUNT, ApiView, REGION } from './api-view.ts';
import { startLabServer } from './lab-server.ts';

const missing = missingForLab();

/** A host of the lab, the only one of its subnet. */
function hostOf(name: string, third: number, place: { zone: string; vpc: string }) {
  return {
    ...{ name, ...place, instance: `i-0000000000000000${name}` },
    ip: `10.203.${third}.2`,
    gateway: `10.203.${third}.1`,
    prefix: `10.203.${third}.0/24`,
  };
}
type Host = ReturnType<typeof hostOf>;

const P1 = hostOf('p1', 31, { zone: 'use1-az1', vpc: 'prod' });
const P2 = hostOf('p2', 32, { zone: 'use1-az2', vpc: 'prod' });
const P3 = hostOf('p3', 33, { zone: 'use1-az1', vpc: 'prod' });
const S1 = hostOf('s1', 34, { zone: 'use1-az1', vpc: 'shared' });
const S2 = hostOf('s2', 35, { zone: 'use1-az2', vpc: 'shared' });
const HOSTS = [P1, P2, P3, S1, S2];

/** A host on the internet side of the NAT; it has an agent, but its network is in no inventory. */
const OUTSIDE = {
  name: 'out',
  ip: '93.184.216.34',
  gateway: '93.184.216.1',
  zone: 'elsewhere',
  vpc: 'elsewhere',
  instance: 'i-000000000000000out',
};
/** An address that host p2 itself translates to the address of s2. */
const SERVICE = '10.203.35.100';
/** The source address that p2 uses for this translation. */
const OTHER_OWN = '10.203.32.9';

const PORT = 9600;
const BYTES = 2_000_000;

const vpcId = (name: string) => stableId('vpc', ACCOUNT, REGION, name);

const vpc = (name: string, more: object = {}) => {
  const hosts = HOSTS.filter((host) => host.vpc === name);
  return {
    name,
    prefixes: hosts.map(({ prefix }) => prefix),
    subnets: hosts.map((host) => ({ name: host.name, prefixes: [host.prefix], zone: host.zone })),
    hosts: hosts.map(({ instance, ip }) => ({ name: instance, id: instance, addresses: [ip] })),
    ...more,
  };
};

function inventory() {
  const { prefixes, subnets, ...prod } = vpc('prod');
  const edge = { name: 'edge', prefixes: ['10.203.39.0/24'], zone: 'use1-az1' };
  return {
    networks: [
      {
        ...prod,
        prefixes: [...prefixes, ...edge.prefixes],
        subnets: [...subnets, { ...edge, routes: [{ to: '0.0.0.0/0', via: 'internet' }] }],
        internetGateway: 'internet',
        natGateways: [
          {
            name: 'nat',
            subnet: 'edge',
            addresses: ['10.203.39.1'],
            publicAddresses: [OUTSIDE.gateway],
          },
        ],
        routes: [{ to: '0.0.0.0/0', via: 'nat' }],
      },
      vpc('shared'),
    ],
    links: [{ name: 'backbone', kind: 'transit', networks: ['prod', 'shared'] }],
  };
}

/** The constructs at each end of a path. */
const END = ['AWS::EC2::Instance', 'AWS::EC2::NetworkInterface'];
const TRANSIT = [
  'AWS::EC2::TransitGatewayAttachment',
  'AWS::EC2::TransitGateway',
  'AWS::EC2::TransitGatewayAttachment',
];
const between = (...hops: readonly string[]) => [...END, ...hops, ...END.toReversed()];

describe.skipIf(missing !== undefined)(
  `two VPCs in two zones, with a transit router and a NAT ${missing ?? ''}`,
  () => {
    let network: LabNetwork;
    let server: ServerProcess;
    let api: ApiView;
    let folder: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'nfm-two-vpcs-'));
      const file = join(folder, 'inventory.json');
      writeFileSync(file, JSON.stringify(inventory()));
      const all = [...HOSTS, OUTSIDE];
      network = await createLabNetwork({
        number: 11,
        hosts: all.map(({ name, ip, gateway }) => ({ name, address: `${ip}/24`, gateway })),
      });
      await network.translate(
        'router',
        'chain out { type nat hook postrouting priority 100; oifname "to-out" masquerade; }',
      );
      const names = all.map(({ name }) => name);
      server = await startLabServer(network, names, ['--inventory', file]);
      api = await ApiView.open(server);
      for (const { name, instance, zone, vpc: vpcName } of all) {
        await serveTraffic(network, name, PORT);
        await startLabAgent(network, name, {
          endpoint: `${server.endpoint}/publish`,
          credentialsFile: join(server.data, 'credentials'),
          flags: [
            ...['--instance-id', instance, '--zone', zone, '--network', vpcName],
            ...['--resolve-nat', name === P2.name ? 'on' : 'off'],
          ],
        });
      }
      await untilKnown(P1.ip);
    });
    afterAll(async () => {
      await network?.stop();
      await server?.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Waits until the inventory answers lookups. */
    async function untilKnown(address: string): Promise<void> {
      const latest = Date.now() + 30_000;
      const target = `/api/v1/topology/lookup?address=${address}`;
      const ask = () => api.client.send({ method: 'GET', target, body: undefined });
      while (!JSON.stringify(await ask()).includes('eni-')) {
        if (Date.now() > latest) throw new Error('the inventory is not known');
        await delay(100);
      }
    }

    const send = (from: { readonly name: string }, address: string, port = PORT) =>
      runTraffic(network, from.name, ['send', address, port, BYTES]);

    /** Waits until a flow has been reported completely; returns its row in its category. */
    async function rowOf(
      category: DestinationCategory,
      { localIp, remoteIp }: { readonly localIp: string; readonly remoteIp: string },
    ): Promise<MonitorRow> {
      const latest = Date.now() + 30_000;
      for (;;) {
        const rows = await api.monitorRows({ metric: 'DATA_TRANSFERRED', category });
        const row = rows.find((each) => each.localIp === localIp && each.remoteIp === remoteIp);
        if (row !== undefined && Number(row.value) >= BYTES) return row;
        if (Date.now() > latest) throw new Error(`no such row: ${inspect(rows)}`);
        await delay(200);
      }
    }

    const CASES = [
      { name: 'to the same zone', from: P1, to: P3, category: 'INTRA_AZ', path: between() },
      { name: 'to another zone', from: P1, to: P2, category: 'INTER_AZ', path: between() },
      {
        name: 'to the other VPC, in the same zone',
        from: P1,
        to: S1,
        category: 'INTER_VPC',
        path: between(...TRANSIT),
      },
      {
        name: 'from the other VPC, to another zone',
        from: S2,
        to: P3,
        category: 'INTER_VPC',
        path: between(...TRANSIT),
      },
    ] as const satisfies readonly {
      readonly name: string;
      readonly from: Host;
      readonly to: Host;
      readonly category: DestinationCategory;
      readonly path: readonly string[];
    }[];

    test.each(CASES)(
      '$name is $category, seen from both ends',
      async ({ from, to, category, path }) => {
        await send(from, to.ip);
        const near = await rowOf(category, { localIp: from.ip, remoteIp: to.ip });
        const far = await rowOf(category, { localIp: to.ip, remoteIp: from.ip });
        expect(near).toMatchObject({ ...endsOf(from, to), targetPort: PORT });
        expect(far).toMatchObject(endsOf(to, from));
        expect(typesOf(near)).toEqual(path);
        expect(typesOf(far)).toEqual(path);
        expect(idsOf(far)).toEqual(idsOf(near).toReversed());
        expect(near).not.toHaveProperty('snatIp');
      },
    );

    test('the translated source address behind the NAT equals the remote address on the other side', async () => {
      await send(P1, OUTSIDE.ip);
      const near = await rowOf('INTERNET', { localIp: P1.ip, remoteIp: OUTSIDE.ip });
      expect(near).toMatchObject({ localInstanceId: P1.instance, localVpcId: vpcId('prod') });
      expect(typesOf(near)).toEqual([...END, 'AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway']);
      // The far kernel knows the remote end by an address that belongs to a gateway of the VPC.
      const far = await rowOf('INTER_VPC', { localIp: OUTSIDE.ip, remoteIp: OUTSIDE.gateway });
      expect(far).toMatchObject({
        localInstanceId: OUTSIDE.instance,
        remoteVpcId: vpcId('prod'),
      });
      expect(near.snatIp).toBe(far.remoteIp);
    });

    test("a host's own translation is in the row, and the path leads to the translated address", async () => {
      await network.exec('p2', ['ip', 'address', 'add', `${OTHER_OWN}/24`, 'dev', 'eth0']);
      const to = `ip daddr ${SERVICE} dnat ip to ${S2.ip}`;
      await network.translate(
        'p2',
        `chain out { type nat hook output priority -100; ${to}; }`,
        `chain leave { type nat hook postrouting priority 100; ip daddr ${S2.ip} snat ip to ${OTHER_OWN}; }`,
      );
      await send(P2, SERVICE);
      const near = await rowOf('INTER_VPC', { localIp: P2.ip, remoteIp: SERVICE });
      const far = await rowOf('INTER_VPC', { localIp: S2.ip, remoteIp: OTHER_OWN });
      expect(near).toMatchObject({ ...endsOf(P2, S2), snatIp: OTHER_OWN, dnatIp: S2.ip });
      expect(typesOf(near).slice(0, -2)).toEqual(expect.arrayContaining([...TRANSIT]));
      expect(far).toMatchObject({ localInstanceId: S2.instance, remoteVpcId: vpcId('prod') });
    });
  },
);

function endsOf(local: Host, remote: Host) {
  return {
    ...{ localInstanceId: local.instance, localVpcId: vpcId(local.vpc), localAz: local.zone },
    ...{ remoteInstanceId: remote.instance, remoteVpcId: vpcId(remote.vpc) },
    ...{ remoteAz: remote.zone },
  };
}

function typesOf({ traversedConstructs = [] }: MonitorRow): string[] {
  return traversedConstructs.map(({ componentType = '' }) => componentType);
}

function idsOf({ traversedConstructs = [] }: MonitorRow): string[] {
  return traversedConstructs.map(({ componentId = '' }) => componentId);
}
