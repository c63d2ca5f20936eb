import type { AgentReport, Attributes, Scope, Timing } from './existing-agent-report.ts';

/**
 * A report with the known attributes, scopes and metrics of the existing agent, and with our own
 * values. Metrics are in that agent's alphabetical order unless a flow specifies another one. All
 * numbers differ, so that a test notices swapped values.
 */

export interface FlowFixture {
  readonly local: string;
  readonly remote: string;
  /** 0 for a client, whose port the agent leaves out. */
  readonly localPort: number;
  readonly remotePort: number;
  /** All numbers of the flow derive from the seed. */
  readonly seed: number;
  readonly pods?: Attributes;
  readonly metricsReversed?: boolean;
}

const PLAIN = [
  'bytes_delivered',
  'bytes_received',
  'connect_attempts',
  'retrans_close',
  'retrans_est',
  'retrans_syn',
  'rtos_close',
  'rtos_est',
  'rtos_syn',
  'segments_delivered',
  'segments_received',
  'severed_connect',
  'severed_establish',
  'sockets_closed',
  'sockets_closing',
  'sockets_completed',
  'sockets_connecting',
  'sockets_established',
] as const;
const TIMINGS = ['connect_us', 'rtt_smoothed_us', 'rtt_us'] as const;

/** The values of a flow's metrics by their wire names. */
export function flowValues(seed: number): Record<string, number | Timing> {
  const plain = PLAIN.map((name, i) => [name, seed * 1_000 + i] as const);
  const timings = TIMINGS.map((name, i) => {
    const min = seed * 100 + i;
    return [name, { count: 4 + i, min, max: min * 3, sum: min * (7 + i) }] as const;
  });
  return Object.fromEntries([...plain, ...timings]);
}

/** The same values by their names in `/api/v1/flows`. */
export function flowMembers(seed: number): Record<string, number> {
  const members = Object.entries(flowValues(seed)).flatMap(([name, value]) => {
    const member = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (typeof value === 'number') return [[member, value] as const];
    const parts = Object.entries(value);
    return parts.map(([part, number]) => [`${member}${capitalised(part)}`, number] as const);
  });
  return Object.fromEntries(members);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A report with these flows and everything else that the agent sends, known to nfm or not. */
export function agentReport(resource: Attributes, flows: readonly FlowFixture[]): AgentReport {
  return {
    timeUnixNano: BigInt(Date.now()) * 1_000_000n + 1n,
    resource: {
      ...resource,
      'service.name': 'network-flow-monitor',
      'service.version': '0.3.1',
      'agent.build_ts': '2026-02-03T04:05:06Z',
      'report.version': '1.1',
      'unknown.flag': true,
      'unknown.names': ['one', 'two'],
      'unknown.bytes': Uint8Array.of(0, 255, 128),
    },
    scopes: [...flows.map(flowScope), processStats, ...hostStats(2), counters, unknownScope],
  };
}

function flowScope(flow: FlowFixture): Scope {
  const { local, remote, localPort, remotePort, pods = {}, metricsReversed = false } = flow;
  const metrics = Object.entries({
    ...flowValues(flow.seed),
    tea_breaks: 3,
    unknown_us: { count: 2, min: 1, max: 2, sum: 3 },
    unknown_level: { gauge: 0.5 },
  });
  return {
    name: 'network_stats',
    attributes: {
      local_address: local,
      local_port: localPort,
      protocol: 'TCP',
      remote_address: remote,
      remote_port: remotePort,
      ...pods,
      weather: 'fair',
    },
    metrics: Object.fromEntries(metricsReversed ? metrics.toReversed() : metrics),
  };
}

const processStats: Scope = {
  name: 'process_stats',
  metrics: {
    cpu_util: { gauge: 0.015 },
    mem_used_kb: { gauge: 51_234 },
    mem_used_ratio: { gauge: 0.0125 },
    sockets_tracked: { gauge: 77 },
    ebpf_allocated_mem_kb: { gauge: 8_200 },
  },
};

function hostStats(interfaces: number): Scope[] {
  return Array.from({ length: interfaces }, (_, i) => ({
    name: 'host_stats',
    attributes: { interface_id: `eni-0000000000000000${i}` },
    metrics: {
      bw_in_allowance_exceeded: { sum: 11 + i },
      bw_out_allowance_exceeded: { sum: 12 + i },
      conntrack_allowance_available: { sum: 130_000 + i },
      conntrack_allowance_exceeded: { sum: 0 },
      linklocal_allowance_exceeded: { sum: 14 + i },
      pps_allowance_exceeded: { sum: 15 + i },
    },
  }));
}

const counters: Scope = {
  name: 'counters',
  metrics: {
    active_connect_events: { sum: 21 },
    passive_established_events: { sum: 22 },
    rtt_events: { sum: 23 },
    sockets_added: { sum: 24 },
    publish_report_failed: { sum: 1 },
    unknown_events: { sum: 25 },
  },
};

const unknownScope: Scope = {
  name: 'disk_stats',
  attributes: { disk: 'sda' },
  metrics: { reads: { sum: 31 }, latency_us: { count: 1, min: 5, max: 5, sum: 5 } },
};
