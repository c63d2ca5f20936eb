import { join } from 'node:path';
import { LEVEL_METRICS, PLAIN_METRICS, type PlainMetric } from '../../model/flow-metrics.ts';
import { ALLOWANCE_COUNTERS } from '../../model/host-stats.ts';
import { PLAIN_TABLE } from '../../model/metric-table.ts';
import type { HostDescription, Report } from '../../model/report.ts';
import { type CardCounts, readCards, readCounter } from '../host/host-stats.ts';
import { networkDevices } from '../host/network-devices.ts';
import type { MetricFamily, MetricSample } from './open-metrics-text.ts';

const SYS_CLASS_NET = '/sys/class/net';

/** Limits the devices on the page, because a host with many containers has a device for each. */
const MAX_DEVICES = 256;

const MEANINGS: ReadonlyMap<PlainMetric, string> = new Map(
  PLAIN_TABLE.map(({ name, meaning }) => [name, meaning.replaceAll('`', '')]),
);

/** The existing agent's gauges: the growth of a device's counter since the last scrape. */
const DEVICE_GAUGES = [
  { name: 'ingress_packets', counter: 'rx_packets', help: 'Packets received' },
  { name: 'egress_packets', counter: 'tx_packets', help: 'Packets sent' },
  { name: 'ingress_bytes', counter: 'rx_bytes', help: 'Bytes received' },
  { name: 'egress_bytes', counter: 'tx_bytes', help: 'Bytes sent' },
] as const;

/** OpenTelemetry's names (semantic conventions, system metrics), as Prometheus spells them. */
const DEVICE_COUNTERS = [
  {
    ...{ name: 'system_network_io_bytes', unit: 'bytes', help: 'Bytes of a network device' },
    counters: { receive: 'rx_bytes', transmit: 'tx_bytes' },
  },
  {
    ...{ name: 'system_network_packet_count', help: 'Packets of a network device' },
    counters: { receive: 'rx_packets', transmit: 'tx_packets' },
  },
  {
    ...{ name: 'system_network_packet_dropped', help: 'Packets a network device dropped' },
    counters: { receive: 'rx_dropped', transmit: 'tx_dropped' },
  },
  {
    ...{ name: 'system_network_errors', help: 'Errors of a network device' },
    counters: { receive: 'rx_errors', transmit: 'tx_errors' },
  },
] as const;

type Counts = Readonly<Record<string, number>>;

export interface LocalMetricsDeps {
  readonly describeHost: () => HostDescription;
  /** The folder of network devices in sysfs. */
  readonly root?: string;
  readonly readCards?: typeof readCards;
}

/**
 * The metrics that a local scraper reads: sums of the flows since the agent started, the agent's own
 * numbers, and network devices. Counters only grow; the existing agent's gauges restart at each
 * scrape.
 */
export class LocalMetrics {
  readonly #deps: LocalMetricsDeps;
  readonly #flowSums = new Map<PlainMetric, number>();
  readonly #agentSums = new Map<string, number>();
  #levels: ReadonlyMap<PlainMetric, number> = new Map();
  #agentLevels: Counts = {};
  #agent: Report['agent'] | undefined;
  /** The number of flows since the last scrape, by direction and device. */
  #flowCounts = { ingress: new Map<string, number>(), egress: new Map<string, number>() };
  #lastDevices: ReadonlyMap<string, Counts> = new Map();
  #lastCards: ReadonlyMap<string, Counts> = new Map();

  constructor(deps: LocalMetricsDeps) {
    this.#deps = deps;
  }

  /** Adds the values of a report. */
  observe(report: Report): void {
    const levels = new Map<PlainMetric, number>();
    const all = [...report.flows, ...(report.remainders ?? [])];
    for (const [i, metric] of PLAIN_METRICS.entries()) {
      const sums = LEVEL_METRICS.includes(metric) ? levels : this.#flowSums;
      for (const { values } of all) addTo(sums, metric, values[i] ?? Number.NaN);
    }
    this.#levels = levels;
    for (const [name, value] of Object.entries(report.counters)) {
      addTo(this.#agentSums, name, value);
    }
    this.#agentLevels = report.processStats;
    this.#agent = report.agent;
    this.#countFlows(report);
  }

  /** The current metrics. Restarts the existing agent's gauges. */
  scrape(): readonly MetricFamily[] {
    const host = this.#deps.describeHost();
    const devices = this.#devices();
    const cards = (this.#deps.readCards ?? readCards)(host.cards ?? []);
    const labels = hostLabels(host);
    const families = [
      ...this.#target(host),
      ...this.#existing(devices, labels),
      ...this.#allowances(cards, labels),
      ...deviceCounters(devices),
      ...this.#flowFamilies(),
      ...this.#agentFamilies(),
    ];
    this.#flowCounts = { ingress: new Map(), egress: new Map() };
    this.#lastDevices = devices;
    this.#lastCards = new Map(cards.map(({ interfaceId, counts }) => [interfaceId, counts]));
    return families;
  }

  #countFlows({ host, flows }: Report): void {
    const names = new Map(host.interfaces.map(({ address, name }) => [address, name]));
    for (const { side, localAddress } of flows) {
      const name = names.get(localAddress);
      if (name === undefined) continue;
      addTo(side === 'server' ? this.#flowCounts.ingress : this.#flowCounts.egress, name, 1);
    }
  }

  #devices(): ReadonlyMap<string, Counts> {
    const { root = SYS_CLASS_NET } = this.#deps;
    const wanted = new Set(DEVICE_COUNTERS.flatMap(({ counters }) => Object.values(counters)));
    const devices = networkDevices(root).filter(({ isLoopback }) => !isLoopback);
    return new Map(
      devices.slice(0, MAX_DEVICES).map(({ name }) => {
        const counts = [...wanted].flatMap((counter) => {
          const value = readCounter(join(root, name, 'statistics', counter));
          return value === undefined ? [] : [[counter, value] as const];
        });
        return [name, Object.fromEntries(counts)];
      }),
    );
  }

  #existing(devices: ReadonlyMap<string, Counts>, labels: Labels): readonly MetricFamily[] {
    const families = DEVICE_GAUGES.map(({ name, counter, help }) => ({
      ...{ name, type: 'gauge' as const, help: `${help} since the last scrape` },
      samples: [...devices].flatMap(([iface, counts]) => {
        const value = since(counts[counter], this.#lastDevices.get(iface)?.[counter]);
        return value === undefined ? [] : [{ labels: { ...labels, iface }, value }];
      }),
    }));
    const flows = (['ingress', 'egress'] as const).map((direction) => ({
      ...{ name: `${direction}_flow`, type: 'gauge' as const },
      help: 'Flows reported since the last scrape',
      samples: [...devices.keys()].map((iface) => ({
        labels: { ...labels, iface },
        value: this.#flowCounts[direction].get(iface) ?? 0,
      })),
    }));
    return [...families, ...flows];
  }

  #allowances(cards: readonly CardCounts[], labels: Labels): readonly MetricFamily[] {
    return ALLOWANCE_COUNTERS.map((name) => ({
      ...{ name, type: 'gauge' as const },
      help: "Packets held up or dropped for the instance's allowance since the last scrape",
      samples: cards.flatMap(({ interfaceId, counts }) => {
        const value = since(counts[name], this.#lastCards.get(interfaceId)?.[name]);
        return value === undefined ? [] : [{ labels: { ...labels, eni: interfaceId }, value }];
      }),
    }));
  }

  #target(host: HostDescription): readonly MetricFamily[] {
    const labels = {
      service_name: this.#agent?.serviceName ?? '',
      service_version: this.#agent?.serviceVersion ?? '',
      host_id: host.instanceId || host.machineId,
      host_name: host.hostName ?? '',
    };
    return [{ name: 'target', type: 'info', help: 'This host', samples: [{ labels, value: 1 }] }];
  }

  #flowFamilies(): readonly MetricFamily[] {
    const family = (name: PlainMetric, value: number, type: 'counter' | 'gauge') => ({
      ...{ name: `nfm_tcp_${name}`, type, help: `Of the reported flows: ${MEANINGS.get(name)}` },
      samples: [{ labels: {}, value }],
    });
    return [
      ...[...this.#levels].map(([name, value]) => family(name, value, 'gauge')),
      ...[...this.#flowSums].map(([name, value]) => family(name, value, 'counter')),
    ];
  }

  #agentFamilies(): readonly MetricFamily[] {
    const family = (name: string, value: number, type: 'counter' | 'gauge') => ({
      ...{ name: `nfm_agent_${name}`, type, help: `The agent's own ${name}` },
      samples: [{ labels: {}, value }],
    });
    return [
      ...Object.entries(this.#agentLevels).map(([name, value]) => family(name, value, 'gauge')),
      ...[...this.#agentSums].map(([name, value]) => family(name, value, 'counter')),
    ];
  }
}

type Labels = Readonly<Record<string, string>>;

function hostLabels(host: HostDescription): Labels {
  const { instanceId, k8sNodeName } = host;
  return { instance_id: instanceId, ...(k8sNodeName ? { node: k8sNodeName } : {}) };
}

/** Adds a value unless it is unknown (NaN). */
function addTo<Key>(sums: Map<Key, number>, key: Key, value: number): void {
  if (!Number.isNaN(value)) sums.set(key, (sums.get(key) ?? 0) + value);
}

/** The growth; undefined at the first scrape. A smaller value means that the counter restarted at 0. */
function since(now: number | undefined, before: number | undefined): number | undefined {
  if (now === undefined || before === undefined) return undefined;
  return now < before ? now : now - before;
}

function deviceCounters(devices: ReadonlyMap<string, Counts>): readonly MetricFamily[] {
  return DEVICE_COUNTERS.map(({ counters, ...family }) => ({
    ...{ ...family, type: 'counter' as const },
    samples: [...devices].flatMap(([device, counts]) =>
      Object.entries(counters).flatMap(([direction, counter]): MetricSample[] => {
        const value = counts[counter];
        const labels = { network_interface_name: device, network_io_direction: direction };
        return value === undefined ? [] : [{ labels, value }];
      }),
    ),
  }));
}
