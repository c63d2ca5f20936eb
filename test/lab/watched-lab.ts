import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type CollectorCounters,
  SocketCollector,
} from '../../src/agent/collect/socket-collector.ts';
import { CgroupPaths } from '../../src/agent/kernel/cgroup-paths.ts';
import { openLibc } from '../../src/agent/kernel/libc.ts';
import { NatTable } from '../../src/agent/kernel/nat-table.ts';
import type { NetlinkWatch } from '../../src/agent/kernel/netlink-watch.ts';
import { SocketWatch } from '../../src/agent/kernel/socket-watch.ts';
import { cgroupRoot } from '../../src/lab/net/lab-cgroup.ts';
import { createLabNetwork, type LabHost, type LabNetwork } from '../../src/lab/net/lab-network.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  type PlainMetric,
  plainIndex,
  type TimingMetric,
  timingIndex,
} from '../../src/model/flow-metrics.ts';
import type { ReportedFlow, Side } from '../../src/model/report.ts';

const TRAFFIC = fileURLToPath(new URL('./traffic.mjs', import.meta.url));

/** The addresses of a watched pair's two hosts, and the port of the traffic server. */
export const CLIENT = '10.203.1.2';
export const SERVER = '10.203.2.2';
export const PORT = 9000;

/** Makes two hosts around a router: `a`, the client, and `b`, with a traffic server. */
export async function createWatchedPair(number: number): Promise<LabNetwork> {
  const network = await createLabNetwork({
    number,
    hosts: [
      { name: 'a', address: `${CLIENT}/24`, gateway: '10.203.1.1' },
      { name: 'b', address: `${SERVER}/24`, gateway: '10.203.2.1' },
    ],
  });
  try {
    await serveTraffic(network, 'b', PORT);
    return network;
  } catch (error) {
    await network.stop();
    throw error;
  }
}

/** The line that a `traffic.mjs` client prints. */
export interface TrafficResult {
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly localPort: number;
  readonly longestMillis: number;
  readonly outcome: string;
}

export function trafficCommand(...args: readonly (string | number)[]): readonly string[] {
  return [process.execPath, TRAFFIC, ...args.map(String)];
}

/** Starts the traffic server on a host and waits until it listens. */
export async function serveTraffic(
  network: LabNetwork,
  host: string,
  ...ports: readonly number[]
): Promise<void> {
  await startServer(network, host, ['serve', ...ports]);
}

/** Starts `traffic.mjs` as a server and waits until it listens. */
export async function startServer(
  network: LabNetwork,
  host: string,
  args: readonly (string | number)[],
): Promise<void> {
  const server = network.spawn(host, trafficCommand(...args), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the server has no output');
  await once(server.stdout, 'data');
}

/** Runs a traffic client on a host until it exits. */
export async function runTraffic(
  network: LabNetwork,
  host: string,
  args: readonly (string | number)[],
): Promise<TrafficResult> {
  const { code, stdout, stderr } = await network.exec(host, trafficCommand(...args));
  if (code !== 0) throw new Error(`traffic ${args.join(' ')} failed: ${stderr}`);
  const result: TrafficResult = JSON.parse(stdout);
  return result;
}

/** A connection that sends on demand: `traffic.mjs steps`. */
export class SteppedConnection {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param args the arguments of `traffic.mjs steps` */
  static async open(
    network: LabNetwork,
    args: readonly (string | number)[],
    { host = 'a', outsideCgroup = false } = {},
  ): Promise<SteppedConnection> {
    const child = network.spawn(host, trafficCommand('steps', ...args), {
      stdio: ['pipe', 'pipe', 'inherit'],
      outsideCgroup,
    });
    const opened = new SteppedConnection(child);
    await opened.#printed();
    return opened;
  }

  /** Hands the bytes to the kernel; they may not have arrived when this returns. */
  async send(bytes: number): Promise<void> {
    this.#child.stdin?.write(`${bytes}\n`);
    await this.#printed();
  }

  /** Closes with a FIN and waits until the program exits. */
  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }

  async #printed(): Promise<void> {
    if (this.#child.stdout === null) throw new Error('the connection has no output');
    await once(this.#child.stdout, 'data');
  }
}

/** How a watch reads connections. */
export interface HostWatchOptions {
  readonly resolveNat?: boolean;
  /** Netlink shows the whole machine: keeps only flows of this local address; default the host's. */
  readonly address?: string;
  /** Default: eBPF on the host's cgroup. */
  readonly source?: SocketWatch | NetlinkWatch | undefined;
}

/** The agent's collector for one host of a lab. */
export class HostWatch {
  readonly #source: SocketWatch | NetlinkWatch;
  readonly #collector: SocketCollector;
  readonly #address: string;

  constructor(host: LabHost, { resolveNat = false, source, address }: HostWatchOptions = {}) {
    this.#address = address ?? host.address.split('/')[0] ?? '';
    this.#source = source ?? new SocketWatch({ cgroupPath: host.cgroup });
    this.#collector = new SocketCollector({
      source: this.#source,
      cgroups: new CgroupPaths(cgroupRoot()),
      nat: resolveNat ? new NatTable(openLibc()) : undefined,
      clock: systemClock,
      notrackMillis: 65_000,
    });
  }

  /** Starts to count; also the connections that are already open, from now on. */
  start(): void {
    this.#collector.start();
  }

  adopt(): void {
    this.#collector.adopt();
  }

  stop(): void {
    this.#collector.stop();
  }

  collect(): void {
    this.#collector.collect();
  }

  async window(): Promise<readonly FlowView[]> {
    const { flows } = await this.#collector.takeWindow();
    const isWhole = this.#source instanceof SocketWatch;
    // Netlink shows the whole machine.
    const own = flows.filter(({ localAddress }) => isWhole || localAddress === this.#address);
    return own.map((flow) => new FlowView(flow));
  }

  counters(): Readonly<Record<string, number>> {
    return this.#source.counters();
  }

  /** Deltas since the last call. */
  takeCounters(): CollectorCounters {
    return this.#collector.takeCounters();
  }

  /** Collects windows until `count` connections have closed; throws after ten seconds. */
  async untilClosed(count: number): Promise<readonly FlowView[]> {
    const all: FlowView[] = [];
    for (let waits = 0; waits < 200; waits += 1) {
      all.push(...(await this.window()));
      if (total(all, 'sockets_completed') >= count) return all;
      await delay(50);
    }
    throw new Error(`${total(all, 'sockets_completed')} connections closed, not ${count}`);
  }
}

export class FlowView {
  readonly #flow: ReportedFlow;

  constructor(flow: ReportedFlow) {
    this.#flow = flow;
  }

  /** "SIDE LOCAL REMOTE PORT" */
  get key(): string {
    const { side, localAddress, remoteAddress, servicePort } = this.#flow;
    return `${side} ${localAddress} ${remoteAddress} ${servicePort}`;
  }

  /** Like `key`, with the translated addresses (SNAT and DNAT) instead. */
  get beyondNat(): string {
    const { side, snatAddress, dnatAddress, servicePort } = this.#flow;
    return `${side} ${snatAddress} ${dnatAddress} ${servicePort}`;
  }

  /** "PROCESS CGROUP" */
  get owner(): string {
    return `${this.#flow.processName} ${this.#flow.cgroup}`;
  }

  get side(): Side {
    return this.#flow.side;
  }

  plain(metric: PlainMetric): number {
    return this.#flow.values[plainIndex(metric)] ?? 0;
  }

  timing(metric: TimingMetric): { count: number; min: number; max: number; sum: number } {
    const first = timingIndex(metric);
    const [count = 0, min = 0, max = 0, sum = 0] = this.#flow.values.subarray(first, first + 4);
    return { count, min, max, sum };
  }
}

export function total(flows: readonly FlowView[], metric: PlainMetric): number {
  return flows.reduce((sum, flow) => sum + flow.plain(metric), 0);
}

export function totalRetrans(flows: readonly FlowView[]): number {
  return total(flows, 'retrans_syn') + total(flows, 'retrans_est') + total(flows, 'retrans_close');
}

/** The kernel's count of retransmitted segments in a host's namespace (Tcp RetransSegs). */
export function retransSegs(network: LabNetwork, host: string): Promise<number> {
  return kernelCount(network, host, 'RetransSegs');
}

/** A TCP counter of a host's namespace, from /proc/net/snmp or netstat (proc_net(5)). */
export async function kernelCount(
  network: LabNetwork,
  host: string,
  name: string,
): Promise<number> {
  const files = ['/proc/self/net/snmp', '/proc/self/net/netstat'];
  const { stdout } = await network.exec(host, ['cat', ...files]);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  const at = lines.findIndex(
    ([group, ...names]) => group?.startsWith('Tcp') && names.includes(name),
  );
  return Number(lines[at + 1]?.[lines[at]?.indexOf(name) ?? -1]);
}

/** The output of `ss -ti` for a host's one connection to an address. */
export class ShownConnection {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** A number such as `bytes_acked:5` or `minrtt:0.03`; 0 if it is absent, since ss omits zeros. */
  number(name: string): number {
    return Number(new RegExp(`[ \\t]${name}:([\\d.]+)`).exec(this.#text)?.[1] ?? 0);
  }
}

export async function showConnection(
  network: LabNetwork,
  host: string,
  address: string,
): Promise<ShownConnection> {
  const { stdout } = await network.exec(host, ['ss', '-tiOnH', `dst ${address}`]);
  return new ShownConnection(stdout);
}

/** Waits until `ss` shows a connection to `address` with `bytes` acknowledged, the SYN included. */
export async function untilAcked(
  network: LabNetwork,
  host: string,
  { address, bytes }: { readonly address: string; readonly bytes: number },
): Promise<void> {
  for (let waits = 0; waits < 400; waits += 1) {
    const shown = await showConnection(network, host, address);
    if (shown.number('bytes_acked') === bytes) return;
    await delay(25);
  }
  throw new Error(`no connection to ${address} has ${bytes} bytes acknowledged`);
}
