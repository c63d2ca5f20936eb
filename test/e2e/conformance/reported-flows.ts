import type { ServerProcess } from '../../../src/lab/server-process.ts';
import { seededRandom } from '../../../src/lib/testing.ts';
import { Poster } from '../../load/poster.ts';
import { encodeBody, hostAddress, makeReport } from '../../load/report-source.ts';

/** Three hosts of one network, each in a different subnet and zone. */
const HOSTS = [0, 64, 128];
const INTERNET = '198.41.0.4';
const FLOWS = 60;

/**
 * Reports three hosts that exchange traffic with each other (INTER_AZ) and with the internet, and
 * waits until their rows can be queried. The first round only registers the hosts: a row is enriched
 * with the topology of its own time.
 */
export async function reportFlows(server: ServerProcess, region: string): Promise<void> {
  const credentials = await server.credentials('agent');
  const poster = new Poster({ endpoint: server.endpoint, credentials, region, connections: 1 });
  const random = seededRandom(7);
  const remotes = [...HOSTS.map(hostAddress), INTERNET];
  const timeMillis = Date.now();
  try {
    for (const flows of [1, FLOWS]) {
      for (const host of HOSTS) {
        const others = remotes.filter((remote) => remote !== hostAddress(host));
        const report = makeReport({ host, flows, timeMillis, random, remotes: others });
        const answer = await poster.post(encodeBody(report), { 'x-report': `${flows}-${host}` });
        if (answer.status !== 200) throw new Error(`POST: ${answer.status} ${answer.body}`);
      }
      await server.waitUntilStored();
    }
  } finally {
    poster.close();
  }
}
