import type { LabNetwork } from '../../src/lab/net/lab-network.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';

/**
 * Starts a server on the management link of the first host. The other hosts reach it over their own
 * management links, so reports do not share a path with the traffic they describe.
 */
export async function startLabServer(
  network: LabNetwork,
  [first = '', ...others]: readonly string[],
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const { rootAddress } = network.host(first);
  for (const name of others) {
    const via = ['via', network.host(name).rootAddress, 'dev', 'mgmt0'];
    const argv = ['ip', 'route', 'add', `${rootAddress}/32`, ...via];
    const { code, stderr } = await network.exec(name, argv, { outsideCgroup: true });
    if (code !== 0) throw new Error(`cannot route ${name} to the server: ${stderr}`);
  }
  return ServerProcess.start({
    listen: `${rootAddress}:0`,
    flags: ['--insecure-plain-http', ...flags],
  });
}
