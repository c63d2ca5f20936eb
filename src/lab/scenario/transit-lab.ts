import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { NetworkFlowMonitor } from '../../client/network-flow-monitor.ts';
import { startLabAgent } from '../net/lab-agent.ts';
import { createLabNetwork, type LabHostSpec, type LabNetwork } from '../net/lab-network.ts';
import { ServerProcess } from '../server-process.ts';

/** Hosts with an agent; they send. */
export const CLIENTS = ['a1', 'a2', 'a3', 'a4'] as const;
/** The servers, by the transit host on the route to them; `t3|t4` are two equal next hops. */
export const ROUTES = { t1: ['b1', 'b2'], t2: ['b3', 'b4'], 't3|t4': ['b5', 'b6'] } as const;
export const SERVERS = Object.values(ROUTES).flat();

/** Hosts that only forward packets. */
const TRANSITS = Object.keys(ROUTES).flatMap((route) => route.split('|'));

export const PORT = 7_000;
export const REGION = 'us-east-1';

/** The compiled program beside this file. */
const EXCHANGE = join(import.meta.dirname, 'exchange.js');

/**
 * Four clients with an agent each and six servers, with four transit hosts between them, and an nfm
 * server outside:
 *
 *     a1 a2 a3 a4 ── router ─┬─ t1 ─┬─ router ── b1 b2
 *                            ├─ t2 ─┤            b3 b4
 *                            ├─ t3 ─┤            b5 b6
 *                            └─ t4 ─┘
 *
 * Packets from clients go through t1 (to b1, b2), t2 (to b3, b4), or t3 or t4 (to b5, b6: a hash of
 * addresses and ports chooses); answers come back without a transit host. `stop` removes everything.
 */
export class TransitLab {
  readonly network: LabNetwork;
  readonly #server: ServerProcess;
  readonly #processes = new Map<string, ChildProcess>();
  #client: NetworkFlowMonitor | undefined;

  private constructor(network: LabNetwork, server: ServerProcess) {
    this.network = network;
    this.#server = server;
  }

  static async start(number: number): Promise<TransitLab> {
    const names = [...CLIENTS, ...SERVERS, ...TRANSITS];
    const network = await createLabNetwork({ number, hosts: names.map(hostSpec) });
    const { rootAddress } = network.host('a1');
    const flags = ['--insecure-plain-http', '--region', REGION];
    try {
      const server = await ServerProcess.start({ listen: `${rootAddress}:0`, flags });
      const lab = new TransitLab(network, server);
      await lab.#route(rootAddress);
      await lab.#populate();
      return lab;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  address(name: string): string {
    return this.network.host(name).address.split('/')[0] ?? '';
  }

  /** The name of the client or server with an address. */
  nameOf(address: string): string | undefined {
    return [...CLIENTS, ...SERVERS].find((name) => this.address(name) === address);
  }

  /** A client of the server's API. */
  async client(): Promise<NetworkFlowMonitor> {
    const { endpoint } = this.#server;
    const credentials = await this.#server.credentials('default');
    this.#client ??= new NetworkFlowMonitor({ endpoint, region: REGION, credentials });
    return this.#client;
  }

  async waitUntilStored(): Promise<void> {
    await this.#server.waitUntilStored();
  }

  /** Runs a command on a host, outside the agent's cgroup. Throws if it fails. */
  async on(host: string, argv: readonly string[]): Promise<void> {
    const { code, stderr } = await this.network.exec(host, argv, { outsideCgroup: true });
    if (code !== 0) throw new Error(`cannot run ${argv.join(' ')} on ${host}: ${stderr}`);
  }

  /** Starts `exchange.js` on a host; a load of the same name is killed first. */
  load(name: string, host: string, argv: readonly (string | number)[]): ChildProcess {
    this.#processes.get(name)?.kill('SIGKILL');
    const child = this.network.spawn(host, [process.execPath, EXCHANGE, ...argv.map(String)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#processes.set(name, child);
    return child;
  }

  async serve(host: string): Promise<void> {
    const { stdout } = this.load(`serve ${host}`, host, ['serve', PORT]);
    if (stdout === null) throw new Error('the server has no output');
    await once(stdout, 'data');
  }

  /** Sends a signal to a load started under a name. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.get(name)?.kill(signal);
  }

  async stop(): Promise<void> {
    await this.network.stop();
    await this.#server.dispose();
  }

  async #route(serverAddress: string): Promise<void> {
    const { network } = this;
    const router = (line: string) => network.inRouter(line.split(' '));
    // A client's packet reaches the router a second time, from a transit host: reverse-path
    // filtering would drop it. Hash policy 1 chooses a next hop by addresses and ports.
    const settings = ['all.rp_filter=0', 'default.rp_filter=0', 'all.send_redirects=0'];
    for (const setting of settings) await router(`sysctl -qw net.ipv4.conf.${setting}`);
    await router('sysctl -qw net.ipv4.fib_multipath_hash_policy=1');
    const hop = (route: string) =>
      `via ${this.address(route)} dev ${network.routerInterface(route)}`;
    for (const [route, servers] of Object.entries(ROUTES)) {
      const hops = route.split('|');
      const next =
        hops.length === 1 ? hop(route) : hops.map((one) => `nexthop ${hop(one)}`).join(' ');
      for (const server of servers) {
        await router(`ip route add ${this.address(server)}/32 table 100 ${next}`);
      }
    }
    for (const client of CLIENTS) {
      await router(`sysctl -qw net.ipv4.conf.${network.routerInterface(client)}.rp_filter=0`);
      await router(`ip rule add iif ${network.routerInterface(client)} table 100 priority 100`);
      // Without segmentation offload, a packet that nft drops is exactly one segment.
      await this.on(client, 'ip link set eth0 gso_max_segs 1'.split(' '));
      // A busy machine acknowledges late, and tail loss probes would retransmit without loss.
      await this.on(client, ['sysctl', '-qw', 'net.ipv4.tcp_early_retrans=0']);
      if (client === 'a1') continue;
      const via = network.host(client).rootAddress;
      await this.on(client, `ip route add ${serverAddress}/32 via ${via} dev mgmt0`.split(' '));
    }
    for (const route of TRANSITS) {
      await router(`sysctl -qw net.ipv4.conf.${network.routerInterface(route)}.rp_filter=0`);
      const settings = ['ip_forward=1', 'conf.all.send_redirects=0', 'conf.eth0.send_redirects=0'];
      for (const setting of settings)
        await this.on(route, ['sysctl', '-qw', `net.ipv4.${setting}`]);
    }
  }

  async #populate(): Promise<void> {
    for (const server of SERVERS) await this.serve(server);
    const addresses = SERVERS.map((server) => this.address(server));
    for (const [i, client] of CLIENTS.entries()) {
      await startLabAgent(this.network, client, {
        endpoint: `${this.#server.endpoint}/publish`,
        credentialsFile: join(this.#server.data, 'credentials'),
        flags: [
          '--instance-id',
          `i-${'0'.repeat(16)}${i + 1}`,
          '--zone',
          'lab-az1',
          '--network',
          'lab',
        ],
      });
      this.load(`ask ${client}`, client, ['ask', PORT, ...addresses]);
    }
  }
}

function hostSpec(name: string, index: number): LabHostSpec {
  return { name, address: `10.203.${20 + index}.2/24`, gateway: `10.203.${20 + index}.1` };
}
