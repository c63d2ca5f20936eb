import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../lib/clock.ts';
import { createLog, type Log } from '../lib/log.ts';
import type { AgentDescription, Report } from '../model/report.ts';
import { Agent } from './agent.ts';
import { AgentError } from './agent-error.ts';
import { SocketCollector } from './collect/socket-collector.ts';
import { credentialSources, findCgroup } from './config.ts';
import { describeHost, type HostIdentity } from './host/describe-host.ts';
import { readInstanceMetadata } from './host/instance-metadata.ts';
import { CgroupPaths } from './kernel/cgroup-paths.ts';
import { chooseSource } from './kernel/choose-source.ts';
import { openLibc } from './kernel/libc.ts';
import { NatTable } from './kernel/nat-table.ts';
import { type AgentOptions, DEFAULT_ZONE, parseAgentOptions } from './options.ts';
import { credentialProvider } from './report/credentials.ts';
import { Endpoint } from './report/endpoint.ts';
import { ProcessUsageReader } from './report/process-usage.ts';
import { ReportPublisher } from './report/report-publisher.ts';

/**
 * `nfm agent`: runs until SIGTERM or SIGINT, then sends a last report.
 *
 * @param argv the arguments after `agent`
 * @returns the exit code: 0, or 1 after one line on standard error that says what to do
 */
export async function runAgent(argv: readonly string[]): Promise<number> {
  const parsed = parseAgentOptions(argv);
  if (parsed.status === 'exit') return parsed.code;
  keepHeapSmall();
  const log = createLog({ level: 'info' });
  for (const option of parsed.options.unused) {
    log.warn('option accepted but not built yet', { option });
  }
  try {
    await runUntilSignal(parsed.options, log);
    return 0;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    process.stderr.write(`nfm agent: ${error.message}\n`);
    return 1;
  }
}

/**
 * Keeps V8's young generation from growing to 16 MB for garbage that dies within a reading: 6 MB
 * less resident at 1,000 connections a second, at the same CPU. Must come before there is much.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

async function runUntilSignal(options: AgentOptions, log: Log): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  const endpoint = options.publishReports ? openEndpoint(options) : undefined;
  const shared: SharedParts = { options, endpoint, stop, log };
  try {
    await (await buildAgent(shared)).run(stop.signal);
    if (stop.signal.reason instanceof AgentError) throw stop.signal.reason;
  } finally {
    endpoint?.close();
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

interface SharedParts {
  readonly options: AgentOptions;
  /** Undefined: reports are not sent. */
  readonly endpoint: Endpoint | undefined;
  /** Ends the agent; with an AgentError as reason, because it cannot do its work. */
  readonly stop: AbortController;
  readonly log: Log;
}

function openEndpoint({ endpoint, region }: AgentOptions): Endpoint | undefined {
  if (endpoint === undefined) return undefined;
  const credentials = credentialProvider(credentialSources());
  return new Endpoint({ url: endpoint, region, credentials, clock: systemClock });
}

async function buildAgent({ options, endpoint, stop, log }: SharedParts): Promise<Agent> {
  const { notrackMillis, compression } = options;
  const clock = systemClock;
  const random = Math.random;
  const cgroupMount = findCgroup();
  const { source: watch, instead } = chooseSource({ ...options, cgroupMount });
  if (instead !== undefined) log.warn('netlink instead of eBPF tells of connections', { instead });
  const cgroups = new CgroupPaths(cgroupMount);
  const nat = options.resolveNat ? new NatTable(openLibc()) : undefined;
  const identity = await identifyHost(options);
  const onForbidden = (reason: string): void => stop.abort(new AgentError(forbiddenText(reason)));
  return new Agent({
    settings: options,
    watch,
    collector: new SocketCollector({ source: watch, cgroups, nat, clock, notrackMillis }),
    usage: new ProcessUsageReader(clock),
    describeHost: () => describeHost(identity),
    description: describeAgent(),
    runId: randomUUID(),
    publisher: endpoint && new ReportPublisher({ endpoint, compression, onForbidden, log, random }),
    onReport: options.logReports ? printReport : undefined,
    clock,
    log,
    random,
  });
}

/** What the options say of the host goes before what the metadata service says. */
async function identifyHost({ instanceId, network, zone }: AgentOptions): Promise<HostIdentity> {
  const isAllGiven = instanceId !== undefined && zone !== undefined;
  const metadata = isAllGiven
    ? { instanceId, instanceType: '', zone }
    : await readInstanceMetadata();
  return {
    ...metadata,
    instanceId: instanceId ?? metadata.instanceId,
    zone: zone ?? (metadata.zone || DEFAULT_ZONE),
    network,
  };
}

function forbiddenText(reason: string): string {
  return `cannot send reports (${reason}): name an agent's keys by AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`;
}

/** One JSON line on standard output. */
function printReport(report: Report): void {
  const text = JSON.stringify(report, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Float64Array ? [...value] : value;
  });
  process.stdout.write(`${text}\n`);
}

function describeAgent(): AgentDescription {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return {
    serviceName: 'network-flow-monitor',
    serviceVersion: manifest.version,
    buildTimestamp: statSync(fileURLToPath(import.meta.url)).mtime.toISOString(),
    reportVersion: '1.1',
  };
}
