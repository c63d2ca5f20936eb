import type { ServerProcess } from '../../../src/lab/server-process.ts';
import { seededRandom } from '../../../src/lib/testing.ts';
import { Poster } from '../../load/poster.ts';
import { encodeBody, hostAddress, makeReport } from '../../load/report-source.ts';

/** Three hosts of one network, each in a subnet and zone of its own. */
const HOSTS = [0, 64, 128];
const INTERNET = '198.41.0.4';
const FLOWS = 60;

/**
 * Reports three hosts that talk to each other (INTER_AZ) and to the internet, and waits until their
 * rows can be asked for. The first round only says who is where: a row's identity is that of its time.
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
