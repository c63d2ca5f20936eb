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
/** No host has this address: translation leads it to the server. */
const SERVICE = '10.203.99.1';
const PORT = 9000;

/** Translates the service's address and port 80 to the server's. */
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

    test('by the host itself have the server behind the requested service', async () => {
      await network.translate('a', `chain out { type nat hook output priority -100; ${FORWARD}; }`);
      client.start();
      server.start();
      await ping();
      const [flow] = await client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      const counters = client.takeCounters();
      // Netlink also shows the server's end, which is on the same host.
      expect([1, 2]).toContain(counters.sockets_natd);
      expect(counters.remote_nat_reversal_errors).toBe(0);
      const [served] = await server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${CLIENT} ${PORT}`);
    });

    test('by the host of a container have both ends as in its network', async () => {
      const forward = `chain pre { type nat hook prerouting priority -100; ${FORWARD}; }`;
      const masquerade = `chain post { type nat hook postrouting priority 100; ip daddr ${SERVER} masquerade; }`;
      await network.translate('router', forward, masquerade);
      client.start();
      server.start();
      await ping();
      const [flow] = await client.untilClosed(1);
      expect(flow?.key).toBe(`client ${CLIENT} ${SERVICE} ${PORT}`);
      expect(flow?.beyondNat).toBe(`client ${ROUTER} ${SERVER} ${PORT}`);
      // The translated addresses of the server's end are the requested service and the client.
      const [served] = await server.untilClosed(1);
      expect(served?.key).toBe(`server ${SERVER} ${ROUTER} ${PORT}`);
      expect(served?.beyondNat).toBe(`server ${SERVICE} ${CLIENT} ${PORT}`);
    });

    test('that are older than the agent are found in the dump at the start', async () => {
      await network.translate('a', `chain out { type nat hook output priority -100; ${FORWARD}; }`);
      const connection = await SteppedConnection.open(network, [SERVICE, 80]);
      client.start();
      const [flow] = await client.window();
      expect(flow?.beyondNat).toBe(`client undefined ${SERVER} ${PORT}`);
      await connection.close();
    });

    test('are none without a translation', async () => {
      client.start();
      await runTraffic(network, 'a', ['ping', SERVER, PORT, 1, 0]);
      const [flow] = await client.untilClosed(1);
      expect(flow?.beyondNat).toBe(`client undefined undefined ${PORT}`);
      expect(client.takeCounters().sockets_natd).toBe(0);
    });
  },
);
