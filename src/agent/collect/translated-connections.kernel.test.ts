import { describe, expect, test } from 'vitest';
import { runTraffic, SteppedConnection, serveTraffic } from '../../../test/lab/watched-lab.ts';
import { watchedPair } from '../../../test/lab/watched-pair.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { createLabNetwork, type LabNetwork } from '../../lab/net/lab-network.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();

const CLIENT = '10.203.9.2';
const SERVER = '10.203.10.2';
const ROUTER = '10.203.10.1';
/** No host has this address: translation leads it to the server. */
const SERVICE = '10.203.99.1';
const PORT = 9000;

/** Translates the service's address and port 80 to the server's. */
const FORWARD = `ip daddr ${SERVICE} tcp dport 80 dnat ip to ${SERVER}:${PORT}`;

async function createTranslatingNetwork(number: number): Promise<LabNetwork> {
  const network = await createLabNetwork({
    number,
    hosts: [
      { name: 'a', address: `${CLIENT}/24`, gateway: '10.203.9.1' },
      { name: 'b', address: `${SERVER}/24`, gateway: ROUTER },
    ],
  });
  await serveTraffic(network, 'b', PORT);
  return network;
}

async function removeTranslation(network: LabNetwork): Promise<void> {
  await network.translate('a');
  await network.translate('router');
}

const COLLECTORS = [
  { name: 'eBPF', number: 5, source: () => undefined },
  { name: 'netlink', number: 10, source: () => new NetlinkWatch() },
];

describe.skipIf(missing !== undefined).each(COLLECTORS)(
  `connections with address translation, by $name ${missing ?? ''}`,
  ({ number, source }) => {
    const pair = watchedPair({
      number,
      source,
      resolveNat: true,
      create: createTranslatingNetwork,
      restore: removeTranslation,
    });

    const ping = () => runTraffic(pair.network, 'a', ['ping', SERVICE, 80, 1, 0]);

    test('by the host itself have the server behind the requested service', async () => {
      await pair.network.translate(
        'a',
        `chain out { type nat hook output priority -100; ${FORWARD}; }`,
      );
      pair.client.start();
      pair.server.start();
      await ping();
      const [flow] = await pair.client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      const counters = pair.client.takeCounters();
      // Netlink also shows the server's end, which is on the same host.
      expect([1, 2]).toContain(counters.sockets_natd);
      expect(counters.remote_nat_reversal_errors).toBe(0);
      const [served] = await pair.server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${CLIENT} ${PORT}`);
    });

    test('by the host of a container have both ends as in its network', async () => {
      const forward = `chain pre { type nat hook prerouting priority -100; ${FORWARD}; }`;
      const masquerade = `chain post { type nat hook postrouting priority 100; ip daddr ${SERVER} masquerade; }`;
      await pair.network.translate('router', forward, masquerade);
      pair.client.start();
      pair.server.start();
      await ping();
      const [flow] = await pair.client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client ${ROUTER} ${SERVER} ${PORT}`);
      // At the server's end, the translated addresses are those of the service and of the client.
      const [served] = await pair.server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${ROUTER} ${PORT}`);
      expect(served?.beyondNat).toBe(`server ${SERVICE} ${CLIENT} ${PORT}`);
    });

    test('that are older than the agent are found in the dump at the start', async () => {
      await pair.network.translate(
        'a',
        `chain out { type nat hook output priority -100; ${FORWARD}; }`,
      );
      const connection = await SteppedConnection.open(pair.network, [SERVICE, 80]);
      pair.client.start();
      const [flow] = await pair.client.window();
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      await connection.close();
    });

    test('are none without a translation', async () => {
      pair.client.start();
      await runTraffic(pair.network, 'a', ['ping', SERVER, PORT, 1, 0]);
      const [flow] = await pair.client.untilClosed(1);
      expect(flow?.beyondNat).toBe(`client undefined undefined ${PORT}`);
      expect(pair.client.takeCounters().sockets_natd).toBe(0);
    });
  },
);
