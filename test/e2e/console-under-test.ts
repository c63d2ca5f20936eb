import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { vi } from 'vitest';
import { NetworkFlowMonitor } from '../../src/client/network-flow-monitor.ts';
import type { NetworkFlowMonitorClient } from '../../src/client/network-flow-monitor-client.ts';
import { waitUntilScopeSucceeded } from '../../src/client/waiters.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { seededRandom } from '../../src/lib/testing.ts';
import type { Credentials } from '../../src/wire/sigv4/sign.ts';
import { Poster } from '../load/poster.ts';
import { encodeBody, hostAddress, type MadeReport, makeReport } from '../load/report-source.ts';

const ACCOUNT = '000000000000';
const REGION = 'us-east-1';
const BIN_MILLIS = 300_000;
/** One host in each of six subnets, in alternating zones. The last host is in another network. */
const HOSTS = [0, 64, 128, 192, 256, 320] as const;
const OTHER_NETWORK_HOST = 320;
/** Addresses outside the topology: one on the internet, one that belongs to no resource. */
const STRANGERS = ['52.94.236.248', '10.200.0.9'] as const;

/** `bin/nfm server` with its console, its key and its sign-in token, and reports to it. */
export class ConsoleUnderTest {
  readonly #server: ServerProcess;
  readonly #poster: Poster;
  readonly #client: NetworkFlowMonitorClient;
  readonly #random = seededRandom(7);
  readonly key: Credentials;

  private constructor(
    server: ServerProcess,
    keys: Readonly<Record<'admin' | 'agent', Credentials>>,
  ) {
    const { endpoint } = server;
    this.#server = server;
    this.key = keys.admin;
    this.#client = new NetworkFlowMonitor({ endpoint, region: REGION, credentials: keys.admin });
    this.#poster = new Poster({
      endpoint,
      region: REGION,
      credentials: keys.agent,
      connections: 2,
    });
  }

  /** Starts a new server, without a scope and without flows. */
  static async start(): Promise<ConsoleUnderTest> {
    // The port stays the same over a restart, so the address of an open page stays valid.
    const listen = `127.0.0.1:${await freePort()}`;
    const server = await ServerProcess.start({ listen, flags: ['--sign-in-address'] });
    try {
      const admin = await server.credentials('default');
      const agent = await server.credentials('agent');
      return new ConsoleUnderTest(server, { admin, agent });
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  /** `http://127.0.0.1:PORT/console/` */
  get address(): string {
    return `${this.#server.endpoint}/console/`;
  }

  /** The one-time token that the server prints at its start. */
  token(): Promise<string> {
    return vi.waitFor(() => {
      const token = /#token=(\S+)/.exec(this.#server.output)?.[1];
      if (token === undefined) throw new Error('the server printed no sign-in address');
      return token;
    });
  }

  async createScope(): Promise<void> {
    const targetIdentifier = { targetId: { accountId: ACCOUNT }, targetType: 'ACCOUNT' } as const;
    const targets = [{ targetIdentifier, region: REGION }];
    const { scopeId } = await this.#client.createScope({ targets });
    await waitUntilScopeSucceeded({ client: this.#client, maxWaitSeconds: 30 }, { scopeId });
  }

  /** Reports an hour of flows between six hosts and to outside addresses, with a little loss. */
  async reportHour(): Promise<void> {
    const now = Date.now();
    for (let bin = 11; bin >= 0; bin -= 1) {
      for (const [i, host] of HOSTS.entries()) {
        await this.#post({
          host,
          flows: 40,
          timeMillis: now - bin * BIN_MILLIS - 1_000,
          scale: (1 + 0.6 * Math.sin(bin / 1.7 + i * 2)) / (1 + i),
          remotes: [...HOSTS.filter((other) => other !== host).map(hostAddress), ...STRANGERS],
        });
      }
    }
    await this.#server.waitUntilStored();
  }

  /** Reports a host with loopback flows only, as the first host of an installation has. */
  async reportLoopback(): Promise<void> {
    await this.#post({ host: 0, flows: 4, timeMillis: Date.now(), remotes: ['127.0.0.1'] });
    await this.#server.waitUntilStored();
  }

  /** Reports one more contributor, the greatest of all, and returns its subnet. */
  async reportOneMore(): Promise<string> {
    const host = 640;
    const timeMillis = Date.now();
    await this.#post({ host, flows: 10, timeMillis, scale: 1000, remotes: STRANGERS });
    await this.#server.waitUntilStored();
    const target = `/api/v1/flows?localIp=${hostAddress(host)}&limit=1`;
    const answer = await this.#client.send({ method: 'GET', target, body: undefined });
    const { flows } = answer as { readonly flows: readonly { readonly localSubnet: string }[] };
    return flows[0]?.localSubnet ?? '';
  }

  /** Restarts the server, which ends all sessions: they are kept in memory only. */
  async endSessions(): Promise<void> {
    await this.#server.stop();
    await this.#server.restart();
  }

  async stop(): Promise<void> {
    this.#poster.close();
    await this.#server.dispose();
  }

  async #post(made: Omit<MadeReport, 'random' | 'network'>): Promise<void> {
    const network = made.host === OTHER_NETWORK_HOST ? 'partners' : 'load';
    const report = makeReport({ ...made, network, random: this.#random });
    const { status, body } = await this.#poster.post(encodeBody(report));
    if (status !== 200) throw new Error(`a report was refused with ${status}: ${body}`);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
