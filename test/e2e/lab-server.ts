import type { LabNetwork } from '../../src/lab/net/lab-network.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';

/**
 * A server on the management link of the first of some hosts, which the others reach over their
 * own: reports do not take the way of what they report.
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
