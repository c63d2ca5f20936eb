import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { type Clock, systemClock } from '../lib/clock.ts';
import { createLog, type Log } from '../lib/log.ts';
import type { AgentDescription, HostDescription } from '../model/report.ts';
import { Agent, type AgentDeps } from './agent.ts';
import { agentBuild } from './agent-build.ts';
import { AgentError } from './agent-error.ts';
import { SocketCollector } from './collect/socket-collector.ts';
import { findCgroup, kubernetesNames, optionsFile, poolThreads } from './config.ts';
import { runDoctor } from './doctor/run-doctor.ts';
import { describeHost } from './host/describe-host.ts';
import { HostIdentityReader } from './host/host-identity.ts';
import { HostStatsReader } from './host/host-stats.ts';
import { readInstanceMetadata } from './host/instance-metadata.ts';
import { type Capability, dropCapabilities } from './kernel/capabilities.ts';
import { CgroupPaths } from './kernel/cgroup-paths.ts';
import { chooseSource } from './kernel/choose-source.ts';
import { openLibc } from './kernel/libc.ts';
import { NatTable } from './kernel/nat-table.ts';
import { SocketWatch } from './kernel/socket-watch.ts';
import { openPodWatch } from './kubernetes/open-pod-watch.ts';
import { LocalMetrics } from './local/local-metrics.ts';
import { MetricsServer } from './local/metrics-server.ts';
import { type OpenEndpoint, openEndpoint } from './open-endpoint.ts';
import { type AgentOptions, DEFAULT_ZONE, parseAgentOptions } from './options.ts';
import { refuseWritable } from './refuse-writable.ts';
import type { Endpoint } from './report/endpoint.ts';
import { ProcessUsageReader } from './report/process-usage.ts';
import { reportLine } from './report/report-line.ts';
import { ReportPublisher } from './report/report-publisher.ts';
import { ReportSpool } from './report/report-spool.ts';
import { steadyClock } from './steady-clock.ts';

/**
 * The capabilities that each collector needs after its start. For eBPF: kernels before 5.19 may
 * need CAP_BPF to read maps, if unprivileged eBPF is disabled. For netlink: the collector enters
 * each new network namespace.
 */
const KEPT: Readonly<Record<'ebpf' | 'netlink', readonly Capability[]>> = {
  ebpf: ['bpf'],
  netlink: ['netAdmin', 'sysPtrace', 'sysAdmin'],
};

/** SIGHUP comes when a terminal closes. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The time that the agent gives the endpoint for its first answer. */
const FIRST_MILLIS = 2_000;

/**
 * Runs `nfm agent` until SIGTERM, SIGINT or SIGHUP, then sends a last report. Runs `nfm agent doctor` if that
 * is the first argument.
 *
 * @param argv the arguments after `agent`
 * @param clock the host's clock
 * @returns the exit code: 0, or 1 after one line on standard error with the remedy
 */
export async function runAgent(
  argv: readonly string[],
  clock: Clock = systemClock,
): Promise<number> {
  if (argv[0] === 'doctor') return await runDoctor(argv.slice(1));
  const parsed = parseAgentOptions(argv);
  if (parsed.status === 'exit') return parsed.code;
  keepHeapSmall();
  const log = createLog({ level: 'info' });
  try {
    const file = optionsFile();
    if (file !== undefined) refuseWritable('options', file);
    await runUntilSignal(parsed.options, clock, log);
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    process.stderr.write(`nfm agent: ${error.message}\n`);
    return 1;
  }
}

/**
 * Keeps V8's young generation from growing to 16 MB, as the garbage of a reading is short-lived: 6 MB
 * less resident memory at 1,000 connections a second, at the same CPU. Must run before the heap grows.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

async function runUntilSignal(options: AgentOptions, clock: Clock, log: Log): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of STOP_SIGNALS) process.once(signal, onSignal);
  const { endpoint: url, publishReports } = options;
  const to = url && publishReports ? openEndpoint(url, options, clock) : undefined;
  // The reader of standard output has closed it. An agent that sends no reports has nothing left to
  // do, so it ends.
  const onClosed = (): void => (to === undefined ? stop.abort() : undefined);
  process.stdout.on('error', onClosed);
  try {
    if (to !== undefined) void learnTime(to.endpoint, stop.signal);
    const agent = await buildAgent({ options, to, clock: to?.clock ?? clock, stop, log });
    await agent.run(stop.signal);
    if (stop.signal.reason instanceof AgentError) throw stop.signal.reason;
  } finally {
    to?.close();
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}

/** Reads the endpoint's time before the first report, if it answers; later answers give it too. */
async function learnTime(endpoint: Endpoint, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FIRST_MILLIS)]);
  await endpoint.learnTime(signal).catch(() => {});
}

interface SharedParts {
  readonly options: AgentOptions;
  /** Undefined: reports are not sent. */
  readonly to: OpenEndpoint | undefined;
  readonly clock: Clock;
  /** Ends the agent. An AgentError as the reason makes it exit with that error. */
  readonly stop: AbortController;
  readonly log: Log;
}

async function buildAgent(shared: SharedParts): Promise<Agent> {
  const { options, to, clock, log } = shared;
  const identity = new HostIdentityReader({
    given: { ...options, ...kubernetesNames(), defaultZone: DEFAULT_ZONE },
    readMetadata: readInstanceMetadata,
    steady: steadyClock,
  });
  await identity.start();
  const hostStats = new HostStatsReader();
  const describe = (): HostDescription => describeHost(identity.current());
  const metrics = new LocalMetrics({ describeHost: describe });
  return new Agent({
    settings: options,
    ...buildCollector(shared),
    usage: new ProcessUsageReader(steadyClock),
    describeHost: describe,
    takeHostStats: () => hostStats.take(identity.current().cards),
    description: describeAgent(),
    runId: randomUUID(),
    publisher: to && buildPublisher(to.endpoint, shared),
    pods: options.kubernetesMetadata ? openPodWatch(log) : undefined,
    onReport: (report) => {
      if (options.openMetrics) metrics.observe(report);
      if (options.logReports) process.stdout.write(`${reportLine(report)}\n`);
    },
    metricsServer:
      options.openMetrics &&
      new MetricsServer({ ...options.openMetrics, scrape: () => metrics.scrape() }),
    clock,
    steady: steadyClock,
    log,
    random: Math.random,
  });
}

/** The source of connections, its collector, and the capabilities to drop once it has started. */
function buildCollector({
  options,
  log,
}: SharedParts): Pick<AgentDeps, 'watch' | 'collector' | 'dropPrivileges'> {
  const cgroupMount = findCgroup();
  const { source, instead } = chooseSource({ ...options, cgroupMount });
  if (instead !== undefined) log.warn('using netlink instead of eBPF', { reason: instead });
  const kept = source instanceof SocketWatch ? KEPT.ebpf : KEPT.netlink;
  const collector = new SocketCollector({
    source,
    cgroups: new CgroupPaths(cgroupMount),
    nat: options.resolveNat ? new NatTable(openLibc()) : undefined,
    clock: steadyClock,
    notrackMillis: options.notrackMillis,
  });
  const dropPrivileges = async (): Promise<void> => {
    const threads = await dropCapabilities(kept, poolThreads());
    log.info('dropped capabilities', { kept, otherThreads: threads });
  };
  return { watch: source, collector, dropPrivileges };
}

function buildPublisher(endpoint: Endpoint, { options, stop, log }: SharedParts): ReportPublisher {
  const { spoolFolder: folder, spoolBytes: maxBytes, publishMillis, compression } = options;
  return new ReportPublisher({
    endpoint,
    spool: new ReportSpool({ folder, maxBytes, log }),
    periodMillis: publishMillis,
    compression,
    onForbidden: (reason) => stop.abort(new AgentError(forbiddenText(reason))),
    log,
    random: Math.random,
  });
}

function forbiddenText(reason: string): string {
  return `cannot send reports (${reason}): name the agent's key by AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or give it in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;
}

function describeAgent(): AgentDescription {
  const { version, builtAt } = agentBuild();
  return {
    serviceName: 'network-flow-monitor',
    serviceVersion: version,
    buildTimestamp: builtAt,
    reportVersion: '1.1',
  };
}
