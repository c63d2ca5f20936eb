import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import type {
  AgentDescription,
  HostDescription,
  InterfaceStats,
  Remainder,
  Report,
} from '../model/report.ts';
import { bytesOf } from './collect/flow-rank.ts';
import { nextWait } from './collect/next-wait.ts';
import type { SocketCollector } from './collect/socket-collector.ts';
import { topFlows } from './collect/top-flows.ts';
import { namePods } from './kubernetes/name-pods.ts';
import type { PodWatch } from './kubernetes/pod-watch.ts';
import type { MetricsServer } from './local/metrics-server.ts';
import type { ProcessUsageReader } from './report/process-usage.ts';
import type { DeliveryCounters } from './report/report-publisher.ts';

/** Service managers wait longer than this before they kill a process. */
const LAST_REPORT_MILLIS = 5_000;

export interface AgentSettings {
  readonly aggregateMillis: number;
  readonly publishMillis: number;
  readonly jitterMillis: number;
  readonly topK: number;
  readonly usageData: boolean;
}

export interface AgentDeps {
  readonly settings: AgentSettings;
  readonly watch: Watch;
  readonly collector: SocketCollector;
  readonly usage: ProcessUsageReader;
  readonly describeHost: () => HostDescription;
  readonly takeHostStats: () => readonly InterfaceStats[];
  readonly description: AgentDescription;
  readonly runId: string;
  /** Gives up the capabilities that only the start needs. */
  readonly dropPrivileges: () => Promise<void>;
  /** Undefined: reports are not sent. */
  readonly publisher?: ReportSink | undefined;
  /** Undefined: pods are not named. */
  readonly pods: PodWatch | undefined;
  readonly onReport: (report: Report) => void;
  /** Undefined: the agent serves no local metrics. */
  readonly metricsServer: MetricsServer | undefined;
  /** The clock that dates reports. */
  readonly clock: Clock;
  /** The clock that measures windows: it is never set. */
  readonly steady: Clock;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/** Counters and memory of the source of connections. */
export interface Watch {
  /** Totals since the start. */
  counters(): Readonly<Record<string, number>>;
  allocatedKilobytes(): number;
}

export interface ReportSink {
  readonly waiting: number;
  start(): Promise<void>;
  publish(report: Report): Promise<void>;
  stop(limitMillis: number): Promise<void>;
  takeCounters(): DeliveryCounters;
}

/**
 * Runs the agent: attaches, reads ten times a second, reports every half minute, and on a signal
 * sends a last report and detaches. One loop does it all in turn, so readings never overlap.
 */
export class Agent {
  readonly #deps: AgentDeps;
  #sequence = 0;
  #lastEvents: Readonly<Record<string, number>> = {};

  constructor(deps: AgentDeps) {
    this.#deps = deps;
  }

  /**
   * Runs until the signal is aborted.
   *
   * @throws AgentError when this host cannot run the agent
   */
  async run(signal: AbortSignal): Promise<void> {
    const { collector, log, publisher, metricsServer, pods } = this.#deps;
    await publisher?.start();
    try {
      await metricsServer?.start();
      pods?.start();
      collector.start();
      await this.#deps.dropPrivileges();
      log.info('agent started', { runId: this.#deps.runId });
      while (!signal.aborted) {
        await this.#collectWindow(signal);
        await this.#report();
      }
    } finally {
      await publisher?.stop(LAST_REPORT_MILLIS);
      await pods?.stop();
      await metricsServer?.stop();
      collector.stop();
    }
    log.info('agent stopped', { reports: this.#sequence });
  }

  async #collectWindow(signal: AbortSignal): Promise<void> {
    const { settings, steady, collector, random } = this.#deps;
    const jitter = (random() * 2 - 1) * settings.jitterMillis;
    // A jitter longer than the period must not make reports follow each other without a pause.
    const length = Math.max(1_000, settings.publishMillis + jitter);
    const until = steady.now() + length;
    let wait = settings.aggregateMillis;
    for (;;) {
      const left = until - steady.now();
      await pause(Math.max(0, Math.min(wait, left)), signal);
      if (signal.aborted || steady.now() >= until) return;
      const fill = collector.collect();
      wait = nextWait({ wait, fill, max: settings.aggregateMillis });
    }
  }

  async #report(): Promise<void> {
    const { collector, settings, clock, publisher, pods, onReport } = this.#deps;
    const taken = await collector.takeWindow();
    const cut = topFlows(taken, settings.topK);
    const flows = pods
      ? cut.flows.map((flow) => namePods(flow, (address) => pods.podOf(address)))
      : cut.flows;
    this.#sequence += 1;
    const report: Report = {
      host: this.#deps.describeHost(),
      agent: this.#deps.description,
      identity: { runId: this.#deps.runId, sequence: this.#sequence },
      timeUnixNano: BigInt(clock.now()) * 1_000_000n,
      ...cut,
      flows,
      hostStats: this.#deps.takeHostStats(),
      processStats: this.#processStats(),
      counters: this.#counters(cut.remainders),
    };
    onReport(report);
    await publisher?.publish(report);
  }

  #processStats(): Readonly<Record<string, number>> {
    const { settings, usage, collector, watch, publisher } = this.#deps;
    if (!settings.usageData) return {};
    return {
      ...usage.read(),
      sockets_tracked: collector.socketsTracked,
      ebpf_allocated_mem_kb: watch.allocatedKilobytes(),
      ...(publisher === undefined ? {} : { reports_waiting: publisher.waiting }),
    };
  }

  #counters(cut: readonly Remainder[]): Readonly<Record<string, number>> {
    const { watch, collector, publisher } = this.#deps;
    const events = watch.counters();
    const deltas = Object.entries(events).map(
      ([name, value]) => [name, value - (this.#lastEvents[name] ?? 0)] as const,
    );
    this.#lastEvents = { ...events };
    return {
      ...Object.fromEntries(deltas),
      ...collector.takeCounters(),
      flows_cut: cut.reduce((sum, { flows }) => sum + flows, 0),
      bytes_cut: cut.reduce((sum, { values }) => sum + bytesOf(values), 0),
      ...(publisher?.takeCounters() ?? { publish_report_failed: 0 }),
    };
  }
}
