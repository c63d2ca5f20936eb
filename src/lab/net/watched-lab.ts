import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SocketCollector } from '../../agent/collect/socket-collector.ts';
import { SocketWatch } from '../../agent/kernel/socket-watch.ts';
import { systemClock } from '../../lib/clock.ts';
import {
  type PlainMetric,
  plainIndex,
  type TimingMetric,
  timingIndex,
} from '../../model/flow-metrics.ts';
import type { ReportedFlow, Side } from '../../model/report.ts';
import type { LabNetwork } from './lab-network.ts';

const TRAFFIC = fileURLToPath(new URL('./traffic.mjs', import.meta.url));

/** What one `traffic.mjs` client printed. */
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
  const server = network.spawn(host, trafficCommand('serve', ...ports), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (server.stdout === null) throw new Error('the server has no output');
  await once(server.stdout, 'data');
}

/** Runs a traffic client on a host to its end. */
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

/** The agent's reading half on one host of a lab, windows added up. */
export class HostWatch {
  readonly #watch: SocketWatch;
  readonly #collector: SocketCollector;

  constructor(cgroupPath: string) {
    this.#watch = new SocketWatch({ cgroupPath });
    this.#collector = new SocketCollector({
      source: this.#watch,
      clock: systemClock,
      notrackMillis: 65_000,
    });
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  collect(): void {
    this.#collector.collect();
  }

  async window(): Promise<readonly FlowView[]> {
    const flows = await this.#collector.takeWindow();
    return flows.map((flow) => new FlowView(flow));
  }

  counters(): Readonly<Record<string, number>> {
    return this.#watch.counters();
  }

  /** Adds windows together until `count` connections have closed, at most ten seconds. */
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

/** Tcp RetransSegs of a host's namespace: the kernel's own count. */
export async function retransSegs(network: LabNetwork, host: string): Promise<number> {
  const { stdout } = await network.exec(host, ['cat', '/proc/self/net/snmp']);
  const [names = '', values = ''] = stdout.split('\n').filter((line) => line.startsWith('Tcp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('RetransSegs')]);
}
