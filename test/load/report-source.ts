import { gzipSync } from 'node:zlib';
import { emptyValues, PLAIN_METRICS, timingIndex } from '../../src/model/flow-metrics.ts';
import type { Report, ReportedFlow, ReportIdentity } from '../../src/model/report.ts';
import { encodeReport } from '../../src/wire/otlp/encode-report.ts';

export interface MadeReport {
  /** Number of the host, 0 to 65,535; its address and ids follow from it. */
  readonly host: number;
  readonly flows: number;
  readonly timeMillis: number;
  readonly random: () => number;
  readonly identity?: ReportIdentity | undefined;
  /** The name of the host's network; default `load`. */
  readonly network?: string | undefined;
  /** Remote addresses of the flows, used in turn; default: random ones of 6,000 hosts. */
  readonly remotes?: readonly string[] | undefined;
  /** Factor for bytes and losses; default 1. */
  readonly scale?: number | undefined;
}

/** Makes the report of a busy host: half client side, half server side, a few flows with loss. */
export function makeReport(input: MadeReport): Report {
  const { host, timeMillis } = input;
  const hex = host.toString(16).padStart(17, '0');
  return {
    host: {
      instanceId: `i-${hex}`,
      instanceType: 'm6a.large',
      machineId: hex.padStart(32, '0'),
      hostName: `host-${host}`,
      network: input.network ?? 'load',
      zone: `use1-az${1 + (host % 3)}`,
      interfaces: [{ name: 'eth0', kind: 'link', address: hostAddress(host), prefixLength: 24 }],
    },
    agent: {
      serviceName: 'network-flow-monitor',
      serviceVersion: '0.1.0',
      buildTimestamp: '2026-01-01T00:00:00Z',
      reportVersion: '1.1',
    },
    identity: input.identity,
    timeUnixNano: BigInt(timeMillis) * 1_000_000n,
    flows: Array.from({ length: input.flows }, (_, i) => makeFlow(input, i)),
    processStats: { cpu_util: 0.5, mem_used_kb: 40_000, sockets_tracked: 1_000 },
    counters: { rtt_events: 10_000, socket_events: 2_000 },
  };
}

/** The body of a POST: the encoded report, gzipped. */
export function encodeBody(report: Report): Buffer {
  return gzipSync(encodeReport(report));
}

/** The address of a host by its number. A subnet has 64 hosts, so host 64 is in the second. */
export function hostAddress(host: number): string {
  return `10.${64 + (host >> 14)}.${(host >> 6) & 255}.${1 + (host & 63)}`;
}

/** Metrics that an eBPF agent measures, so it reports 0 here instead of leaving them unknown. */
const NEVER_HAPPENS = [
  'severed_connect',
  'severed_establish',
  'rtos_syn',
  'rtos_close',
  'rwnd_limited_us',
  'sndbuf_limited_us',
  'segments_out_of_order',
  'reorderings',
  'dsacks',
  'segments_ce',
] as const;

function makeFlow(input: MadeReport, index: number): ReportedFlow {
  const { host, random, scale = 1 } = input;
  const isClient = index % 2 === 0;
  const values = emptyValues();
  const set = (metric: (typeof PLAIN_METRICS)[number], value: number) => {
    values[PLAIN_METRICS.indexOf(metric)] = Math.floor(value);
  };
  set('sockets_established', 1 + random() * 10);
  set('sockets_completed', random() * 20);
  set('connect_attempts', isClient ? random() * 20 : 0);
  set('bytes_received', random() * 1e6 * scale);
  set('bytes_delivered', random() * 1e6 * scale);
  set('segments_received', random() * 1e3);
  set('segments_delivered', random() * 1e3);
  if (random() < 0.1) set('retrans_est', (1 + random() * 20) * scale);
  set('rtos_est', random() < 0.02 ? (1 + random() * 3) * scale : 0);
  for (const metric of NEVER_HAPPENS) set(metric, 0);
  set('busy_us', random() * 1e6);
  if (random() < 0.1) set('rwnd_limited_us', random() * 1e5);
  if (random() < 0.1) set('segments_out_of_order', 1 + random() * 20);
  const rtt = 100 + random() * 5_000;
  const samples = Math.floor(1 + random() * 50);
  values.set(
    [samples, Math.floor(rtt), Math.floor(rtt * 3), Math.floor(rtt * samples * 1.5)],
    timingIndex('rtt_us'),
  );
  values.set([1, rtt, rtt, rtt].map(Math.floor), timingIndex('min_rtt_us'));
  const rate = 1e6 + random() * 1e9;
  values.set([1, rate, rate, rate].map(Math.floor), timingIndex('delivery_rate'));
  return {
    side: isClient ? 'client' : 'server',
    localAddress: hostAddress(host),
    remoteAddress: remoteOf(input, index),
    servicePort: isClient ? 443 + (index % 40) : 8080,
    values,
  };
}

function remoteOf({ host, remotes }: MadeReport, index: number): string {
  if (remotes !== undefined) return remotes[index % remotes.length] ?? '';
  const isPublic = index % 5 === 4;
  return isPublic
    ? `52.${index % 200}.${(host >> 8) & 255}.${host & 255}`
    : hostAddress((host * 31 + index * 7) % 6_000);
}
