import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import type { AgentDescription, HostDescription, Remainder, Report } from '../model/report.ts';
import type { SocketCollector } from './collect/socket-collector.ts';
import { bytesOf, topFlows } from './collect/top-flows.ts';
import type { ProcessUsageReader } from './report/process-usage.ts';

/** A service manager waits longer than this before it kills. */
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
  readonly description: AgentDescription;
  readonly runId: string;
  /** Undefined: reports are not sent. */
  readonly publisher?: ReportSink | undefined;
  readonly onReport?: ((report: Report) => void) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1 (exclusive), uniform. */
  readonly random: () => number;
}

/** What the kernel's end says of itself. */
export interface Watch {
  /** Since the start. */
  counters(): Readonly<Record<string, number>>;
  allocatedKilobytes(): number;
}

export interface ReportSink {
  publish(report: Report): Promise<void>;
  drain(limitMillis: number): Promise<void>;
  takeFailed(): number;
}

/**
 * The agent's life: attach, read every half second, report every half minute, and when told to stop
 * send a last report and detach. One loop does it all in turn, so no reading overlaps another.
 */
export class Agent {
  readonly #deps: AgentDeps;
  #sequence = 0;
  #lastEvents: Readonly<Record<string, number>> = {};

  constructor(deps: AgentDeps) {
    this.#deps = deps;
  }

  /** Runs until the signal is aborted. Throws an AgentError when this host cannot run it. */
  async run(signal: AbortSignal): Promise<void> {
    const { collector, log, publisher } = this.#deps;
    collector.start();
    log.info('agent started', { runId: this.#deps.runId });
    try {
      while (!signal.aborted) {
        await this.#collectWindow(signal);
        await this.#report();
      }
      await publisher?.drain(LAST_REPORT_MILLIS);
    } finally {
      collector.stop();
    }
    log.info('agent stopped', { reports: this.#sequence });
  }

  async #collectWindow(signal: AbortSignal): Promise<void> {
    const { settings, clock, collector, random } = this.#deps;
    const jitter = (random() * 2 - 1) * settings.jitterMillis;
    // A jitter wider than the period must not make reports without end.
    const length = Math.max(1_000, settings.publishMillis + jitter);
    const until = clock.now() + length;
    for (;;) {
      const left = until - clock.now();
      await pause(Math.max(0, Math.min(settings.aggregateMillis, left)), signal);
      if (signal.aborted || clock.now() >= until) return;
      collector.collect();
    }
  }

  async #report(): Promise<void> {
    const { collector, settings, clock, publisher, onReport } = this.#deps;
    const taken = await collector.takeWindow();
    const cut = topFlows(taken, settings.topK);
    this.#sequence += 1;
    const report: Report = {
      host: this.#deps.describeHost(),
      agent: this.#deps.description,
      identity: { runId: this.#deps.runId, sequence: this.#sequence },
      timeUnixNano: BigInt(clock.now()) * 1_000_000n,
      ...cut,
      processStats: this.#processStats(),
      counters: this.#counters(cut.remainders),
    };
    onReport?.(report);
    await publisher?.publish(report);
  }

  #processStats(): Readonly<Record<string, number>> {
    const { settings, usage, collector, watch } = this.#deps;
    if (!settings.usageData) return {};
    return {
      ...usage.read(),
      sockets_tracked: collector.socketsTracked,
      ebpf_allocated_mem_kb: watch.allocatedKilobytes(),
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
      publish_report_failed: publisher?.takeFailed() ?? 0,
    };
  }
}
