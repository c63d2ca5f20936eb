import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  HostWatch,
  runTraffic,
  SteppedConnection,
  serveTraffic,
} from '../../../test/lab/watched-lab.ts';
import { missingForLab } from '../../lab/net/kernel-need.ts';
import { createLabNetwork, type LabNetwork } from '../../lab/net/lab-network.ts';
import { NetlinkWatch } from '../kernel/netlink-watch.ts';

const missing = missingForLab();
if (missing !== undefined && process.env.CI_REQUIRE?.includes('kernel')) throw new Error(missing);

const CLIENT = '10.203.9.2';
const SERVER = '10.203.10.2';
const ROUTER = '10.203.10.1';
/** No host has it: where it leads, translation says. */
const SERVICE = '10.203.99.1';
const PORT = 9000;

/** The service's address and port 80 become the server's. */
const FORWARD = `ip daddr ${SERVICE} tcp dport 80 dnat ip to ${SERVER}:${PORT}`;

const COLLECTORS = [
  { name: 'eBPF', number: 5, source: () => undefined },
  { name: 'netlink', number: 10, source: () => new NetlinkWatch() },
];

describe.skipIf(missing !== undefined).each(COLLECTORS)(
  `connections with address translation, by $name ${missing ?? ''}`,
  ({ number, source }) => {
    let network: LabNetwork;
    let client: HostWatch;
    let server: HostWatch;

    beforeAll(async () => {
      network = await createLabNetwork({
        number,
        hosts: [
          { name: 'a', address: `${CLIENT}/24`, gateway: '10.203.9.1' },
          { name: 'b', address: `${SERVER}/24`, gateway: ROUTER },
        ],
      });
      await serveTraffic(network, 'b', PORT);
    });
    afterAll(async () => {
      await network?.stop();
    });

    beforeEach(() => {
      client = new HostWatch(network.host('a'), { resolveNat: true, source: source() });
      server = new HostWatch(network.host('b'), { resolveNat: true, source: source() });
    });
    afterEach(async () => {
      client.stop();
      server.stop();
      await network.translate('a');
      await network.translate('router');
    });

    const ping = () => runTraffic(network, 'a', ['ping', SERVICE, 80, 1, 0]);

    test('by the host itself have the server behind the service they asked for', async () => {
      await network.translate('a', `chain out { type nat hook output priority -100; ${FORWARD}; }`);
      client.start();
      server.start();
      await ping();
      const [flow] = await client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      const counters = client.takeCounters();
      // Netlink shows the server's end too, on its own host.
      expect([1, 2]).toContain(counters.sockets_natd);
      expect(counters.remote_nat_reversal_errors).toBe(0);
      const [served] = await server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${CLIENT} ${PORT}`);
    });

    test('by the host of a container have both ends as its network has them', async () => {
      const forward = `chain pre { type nat hook prerouting priority -100; ${FORWARD}; }`;
      const masquerade = `chain post { type nat hook postrouting priority 100; ip daddr ${SERVER} masquerade; }`;
      await network.translate('router', forward, masquerade);
      client.start();
      server.start();
      await ping();
      const [flow] = await client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client ${ROUTER} ${SERVER} ${PORT}`);
      // Beyond the translation, as the server's host sees it, there is the client and what it asked for.
      const [served] = await server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${ROUTER} ${PORT}`);
      expect(served?.beyondNat).toBe(`server ${SERVICE} ${CLIENT} ${PORT}`);
    });

    test('that are older than the agent are found in the table there is', async () => {
      await network.translate('a', `chain out { type nat hook output priority -100; ${FORWARD}; }`);
      const connection = await SteppedConnection.open(network, [SERVICE, 80]);
      client.start();
      const [flow] = await client.window();
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      await connection.close();
    });

    test('there are none where nothing is translated', async () => {
      client.start();
      await runTraffic(network, 'a', ['ping', SERVER, PORT, 1, 0]);
      const [flow] = await client.untilClosed(1);
      expect(flow?.beyondNat).toBe(`client undefined undefined ${PORT}`);
      expect(client.takeCounters().sockets_natd).toBe(0);
    });
  },
);
