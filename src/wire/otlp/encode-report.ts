import { PbfWriter } from 'pbf';
import {
  isOptionalTiming,
  isZeroImplied,
  PLAIN_METRICS,
  type PlainMetric,
  plainIndex,
  TIMING_METRICS,
  timingIndex,
} from '../../model/flow-metrics.ts';
import {
  FLOW_ATTRIBUTES,
  HOST_ATTRIBUTES,
  HOST_STATS_ATTRIBUTES,
  type PodNames,
  REMAINDER_ATTRIBUTES,
  type Remainder,
  type Report,
  type ReportedFlow,
} from '../../model/report.ts';
import {
  ANY_VALUE,
  ARRAY_VALUE,
  DELTA,
  EXPORT_REQUEST,
  GAUGE,
  HISTOGRAM,
  HISTOGRAM_DATA_POINT,
  HOST_STATS_SCOPE,
  KEY_VALUE,
  METRIC,
  NUMBER_DATA_POINT,
  REMAINDER_SCOPE,
  RESOURCE,
  RESOURCE_METRICS,
  SCOPE,
  SCOPE_METRICS,
  SUM,
} from './fields.ts';

type WrittenValue = string | number | readonly string[];
type WrittenAttributes = readonly (readonly [key: string, value: WrittenValue])[];

/** Protobuf wire type of fixed64 and double. */
const FIXED64 = 1;

/** The agent's gauges that are fractions. Its other numbers are integers on the wire. */
const FRACTIONS: ReadonlySet<string> = new Set(['cpu_util', 'mem_used_ratio']);

/** The existing agent's attribute names of pods and services. */
const POD_ATTRIBUTES: readonly (readonly [key: string, name: keyof PodNames])[] = [
  ['local_pod_name', 'localPodName'],
  ['local_pod_namespace', 'localPodNamespace'],
  ['local_pod_service', 'localServiceName'],
  ['remote_pod_name', 'remotePodName'],
  ['remote_pod_namespace', 'remotePodNamespace'],
  ['remote_pod_service', 'remoteServiceName'],
];

/**
 * Encodes a report in the existing open agent's format: an OTLP ExportMetricsServiceRequest with a
 * scope for each flow. It always has all of that agent's metrics (a timing without samples has count
 * 0), and those of ours that are known.
 */
export function encodeReport(report: Report): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeMessage(EXPORT_REQUEST.resourceMetrics, writeResourceMetrics, report);
  return pbf.finish();
}

function writeResourceMetrics(report: Report, pbf: PbfWriter): void {
  const attributes = resourceAttributes(report);
  pbf.writeMessage(
    RESOURCE_METRICS.resource,
    (_, inner) => writeAttributes(inner, RESOURCE.attributes, attributes),
    attributes,
  );
  const time = report.timeUnixNano;
  for (const flow of report.flows) {
    pbf.writeMessage(RESOURCE_METRICS.scopeMetrics, writeFlow, { flow, time });
  }
  for (const remainder of report.remainders ?? []) {
    pbf.writeMessage(RESOURCE_METRICS.scopeMetrics, writeRemainder, { remainder, time });
  }
  for (const numbers of numbersOf(report)) {
    pbf.writeMessage(RESOURCE_METRICS.scopeMetrics, writeNumbers, { ...numbers, time });
  }
}

function numbersOf(report: Report): readonly Omit<NumbersOfReport, 'time'>[] {
  const { hostStats = [], processStats, counters } = report;
  return [
    ...hostStats.map(({ interfaceId, values }) => ({
      ...{ name: HOST_STATS_SCOPE, values, kind: 'sum' as const },
      attributes: [[HOST_STATS_ATTRIBUTES.interfaceId, interfaceId] as const],
    })),
    { name: 'process_stats', values: processStats, kind: 'gauge', attributes: [] },
    { name: 'counters', values: counters, kind: 'sum', attributes: [] },
  ];
}

function resourceAttributes({ host, agent, identity }: Report): WrittenAttributes {
  const given: readonly (readonly [string, WrittenValue | undefined])[] = [
    ['instance-id', host.instanceId],
    ['instance-type', host.instanceType],
    ['machine-id', host.machineId],
    ['compute_platform', host.computePlatform],
    ['k8s_node_name', host.k8sNodeName],
    ['k8s_eks_cluster_name', host.k8sClusterName],
    ['service.name', agent.serviceName],
    ['service.version', agent.serviceVersion],
    ['agent.build_ts', agent.buildTimestamp],
    ['report.version', agent.reportVersion],
    [HOST_ATTRIBUTES.hostName, host.hostName],
    [HOST_ATTRIBUTES.imageId, host.imageId || undefined],
    [HOST_ATTRIBUTES.network, host.network],
    [HOST_ATTRIBUTES.zone, host.zone],
    [HOST_ATTRIBUTES.interfaces, interfaceTexts(host.interfaces)],
    [HOST_ATTRIBUTES.defaultRoute, host.defaultRoute],
    [HOST_ATTRIBUTES.zoneName, host.zoneName || undefined],
    [HOST_ATTRIBUTES.account, host.account || undefined],
    [HOST_ATTRIBUTES.region, host.region || undefined],
    [HOST_ATTRIBUTES.cards, cardTexts(host.cards)],
    [HOST_ATTRIBUTES.runId, identity?.runId],
    [HOST_ATTRIBUTES.sequence, identity?.sequence],
  ];
  return given.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
}

function interfaceTexts(interfaces: Report['host']['interfaces']): readonly string[] | undefined {
  if (interfaces.length === 0) return undefined;
  return interfaces.map((one) => `${one.name} ${one.kind} ${one.address}/${one.prefixLength}`);
}

function cardTexts(cards: Report['host']['cards'] = []): readonly string[] | undefined {
  if (cards.length === 0) return undefined;
  return cards.map(({ id, mac, subnetId, vpcId }) => `${id} ${mac} ${subnetId} ${vpcId}`);
}

interface FlowOfReport {
  readonly flow: ReportedFlow;
  readonly time: bigint;
}

function writeFlow({ flow, time }: FlowOfReport, pbf: PbfWriter): void {
  writeScope(pbf, 'network_stats', flowAttributes(flow));
  writeValues(pbf, flow.values, time);
}

interface RemainderOfReport {
  readonly remainder: Remainder;
  readonly time: bigint;
}

/** Writes a remainder in a scope with its own name, so that other servers skip it: it is no flow. */
function writeRemainder({ remainder, time }: RemainderOfReport, pbf: PbfWriter): void {
  writeScope(pbf, REMAINDER_SCOPE, [
    [REMAINDER_ATTRIBUTES.side, remainder.side],
    [REMAINDER_ATTRIBUTES.hint, remainder.hint],
    [REMAINDER_ATTRIBUTES.flows, remainder.flows],
  ]);
  writeValues(pbf, remainder.values, time);
}

function writeValues(pbf: PbfWriter, values: Float64Array, time: bigint): void {
  const writePlain = (name: PlainMetric): void => {
    const value = values[plainIndex(name)] ?? 0;
    if (!Number.isNaN(value)) writeHistogram(pbf, { name, time, count: 1, sum: value });
  };
  for (const name of ALWAYS_WRITTEN) writePlain(name);
  for (const name of TIMING_METRICS) {
    const first = timingIndex(name);
    const [count = 0, min = 0, max = 0, sum = 0] = values.subarray(first, first + 4);
    if (count === 0 && isOptionalTiming(name)) continue;
    writeHistogram(pbf, { name, time, count, sum, ...(count > 0 ? { min, max } : {}) });
  }
  for (const name of WRITTEN_UNLESS_ZERO) if (values[plainIndex(name)] !== 0) writePlain(name);
}

// Metrics that are written only if not 0 come last. So the flows of a report begin with the same
// metrics in the same order, which the decoder reads faster.
const WRITTEN_UNLESS_ZERO = PLAIN_METRICS.filter((_, index) => isZeroImplied(index));
const ALWAYS_WRITTEN = PLAIN_METRICS.filter((_, index) => !isZeroImplied(index));

function flowAttributes(flow: ReportedFlow): WrittenAttributes {
  const isClient = flow.side === 'client';
  const optional: readonly (readonly [key: string, value: string | undefined])[] = [
    ...POD_ATTRIBUTES.map(([key, name]) => [key, flow.pods?.[name]] as const),
    [FLOW_ATTRIBUTES.processName, flow.processName],
    [FLOW_ATTRIBUTES.cgroup, flow.cgroup],
    [FLOW_ATTRIBUTES.localSocketAddress, flow.snatAddress && flow.localAddress],
    [FLOW_ATTRIBUTES.remoteSocketAddress, flow.dnatAddress && flow.remoteAddress],
  ];
  const names = optional.flatMap(([key, value]) => (value ? [[key, value] as const] : []));
  return [
    ['protocol', 'TCP'],
    ['local_address', flow.snatAddress ?? flow.localAddress],
    ['remote_address', flow.dnatAddress ?? flow.remoteAddress],
    ['local_port', isClient ? 0 : flow.servicePort],
    ['remote_port', isClient ? flow.servicePort : 0],
    ...names,
  ];
}

interface HistogramMetric {
  readonly name: string;
  readonly time: bigint;
  readonly count: number;
  readonly sum: number;
  readonly min?: number;
  readonly max?: number;
}

function writeHistogram(pbf: PbfWriter, metric: HistogramMetric): void {
  pbf.writeMessage(SCOPE_METRICS.metrics, writeHistogramMetric, metric);
}

function writeHistogramMetric(metric: HistogramMetric, pbf: PbfWriter): void {
  pbf.writeStringField(METRIC.name, metric.name);
  pbf.writeMessage(METRIC.histogram, writeHistogramData, metric);
}

function writeHistogramData(metric: HistogramMetric, pbf: PbfWriter): void {
  pbf.writeMessage(HISTOGRAM.dataPoints, writeHistogramPoint, metric);
  pbf.writeVarintField(HISTOGRAM.aggregationTemporality, DELTA);
}

function writeHistogramPoint(metric: HistogramMetric, pbf: PbfWriter): void {
  writeTime(pbf, HISTOGRAM_DATA_POINT.startTimeUnixNano, metric.time);
  writeTime(pbf, HISTOGRAM_DATA_POINT.timeUnixNano, metric.time);
  pbf.writeFixed64Field(HISTOGRAM_DATA_POINT.count, metric.count);
  pbf.writeDoubleField(HISTOGRAM_DATA_POINT.sum, metric.sum);
  if (metric.min !== undefined) pbf.writeDoubleField(HISTOGRAM_DATA_POINT.min, metric.min);
  if (metric.max !== undefined) pbf.writeDoubleField(HISTOGRAM_DATA_POINT.max, metric.max);
}

interface NumbersOfReport {
  readonly name: string;
  readonly time: bigint;
  readonly values: Readonly<Record<string, number>>;
  readonly kind: 'gauge' | 'sum';
  readonly attributes: WrittenAttributes;
}

function writeNumbers(numbers: NumbersOfReport, pbf: PbfWriter): void {
  const { name, time, values, kind, attributes } = numbers;
  writeScope(pbf, name, attributes);
  for (const [metric, value] of Object.entries(values)) {
    pbf.writeMessage(SCOPE_METRICS.metrics, writeNumberMetric, { name: metric, time, value, kind });
  }
}

interface NumberMetric {
  readonly name: string;
  readonly time: bigint;
  readonly value: number;
  readonly kind: 'gauge' | 'sum';
}

function writeNumberMetric(metric: NumberMetric, pbf: PbfWriter): void {
  pbf.writeStringField(METRIC.name, metric.name);
  if (metric.kind === 'gauge') pbf.writeMessage(METRIC.gauge, writeGaugeData, metric);
  else pbf.writeMessage(METRIC.sum, writeSumData, metric);
}

function writeGaugeData(metric: NumberMetric, pbf: PbfWriter): void {
  pbf.writeMessage(GAUGE.dataPoints, writeNumberPoint, metric);
}

function writeSumData(metric: NumberMetric, pbf: PbfWriter): void {
  pbf.writeMessage(SUM.dataPoints, writeNumberPoint, metric);
  pbf.writeVarintField(SUM.aggregationTemporality, DELTA);
  pbf.writeBooleanField(SUM.isMonotonic, true);
}

function writeNumberPoint({ name, time, value }: NumberMetric, pbf: PbfWriter): void {
  writeTime(pbf, NUMBER_DATA_POINT.startTimeUnixNano, time);
  writeTime(pbf, NUMBER_DATA_POINT.timeUnixNano, time);
  if (FRACTIONS.has(name)) pbf.writeDoubleField(NUMBER_DATA_POINT.asDouble, value);
  else pbf.writeSFixed64Field(NUMBER_DATA_POINT.asInt, Math.round(value));
}

function writeScope(pbf: PbfWriter, name: string, attributes: WrittenAttributes): void {
  pbf.writeMessage(
    SCOPE_METRICS.scope,
    (_, inner) => {
      inner.writeStringField(SCOPE.name, name);
      writeAttributes(inner, SCOPE.attributes, attributes);
    },
    attributes,
  );
}

function writeAttributes(pbf: PbfWriter, field: number, attributes: WrittenAttributes): void {
  for (const attribute of attributes) pbf.writeMessage(field, writeAttribute, attribute);
}

function writeAttribute([key, value]: WrittenAttributes[number], pbf: PbfWriter): void {
  pbf.writeStringField(KEY_VALUE.key, key);
  pbf.writeMessage(KEY_VALUE.value, writeValue, value);
}

function writeValue(value: WrittenValue, pbf: PbfWriter): void {
  if (typeof value === 'string') pbf.writeStringField(ANY_VALUE.stringValue, value);
  else if (typeof value === 'number') pbf.writeVarintField(ANY_VALUE.intValue, value);
  else pbf.writeMessage(ANY_VALUE.arrayValue, writeArray, value);
}

function writeArray(values: readonly string[], pbf: PbfWriter): void {
  for (const value of values) pbf.writeMessage(ARRAY_VALUE.values, writeValue, value);
}

/** Writes nanoseconds since 1970 in two halves: they exceed 2^53, and pbf accepts only numbers. */
function writeTime(pbf: PbfWriter, field: number, nanos: bigint): void {
  pbf.writeTag(field, FIXED64);
  pbf.writeFixed32(Number(nanos & 0xffff_ffffn));
  pbf.writeFixed32(Number(nanos >> 32n));
}
