import { PbfWriter } from 'pbf';

/**
 * Writes reports in the format of the existing open agent, from the facts of that format alone: it
 * shares no code with the project's encoder and decoder. The field numbers beside each line are those
 * of opentelemetry/proto/{collector/metrics,metrics,resource,common}/v1.
 */
export interface AgentReport {
  readonly resource: Attributes;
  readonly scopes: readonly Scope[];
  readonly timeUnixNano: bigint;
}

export type Attributes = Readonly<Record<string, AttributeValue>>;
export type AttributeValue = string | number | boolean | readonly string[] | Uint8Array;

/** One ScopeMetrics: a flow, an interface, or the agent's own statistics. */
export interface Scope {
  readonly name: string;
  readonly attributes?: Attributes;
  readonly metrics: Readonly<Record<string, Value>>;
}

/** The value of a metric; a bare number is a histogram of one value. */
export type Value = number | Timing | { readonly gauge: number } | { readonly sum: number };

/** Microseconds. */
export interface Timing {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
}

const FIXED64 = 1;
const DELTA = 1;

type Write = (pbf: PbfWriter) => void;

/** The report's protobuf bytes: an ExportMetricsServiceRequest. */
export function encodeAgentReport(report: AgentReport): Uint8Array {
  const pbf = new PbfWriter();
  message(pbf, 1, (resourceMetrics) => {
    message(resourceMetrics, 1, (resource) => attributes(resource, 1, report.resource));
    for (const scope of report.scopes) {
      message(resourceMetrics, 2, (inner) => writeScope(inner, scope, report.timeUnixNano));
    }
  });
  return pbf.finish();
}

function message(pbf: PbfWriter, field: number, write: Write): void {
  pbf.writeMessage(field, (_, inner) => write(inner), undefined);
}

function writeScope(pbf: PbfWriter, scope: Scope, time: bigint): void {
  message(pbf, 1, (inner) => {
    inner.writeStringField(1, scope.name);
    attributes(inner, 3, scope.attributes ?? {});
  });
  for (const [name, value] of Object.entries(scope.metrics)) {
    message(pbf, 2, (inner) => {
      inner.writeStringField(1, name);
      inner.writeStringField(3, 'unit');
      writeValue(inner, value, time);
    });
  }
}

function writeValue(pbf: PbfWriter, value: Value, time: bigint): void {
  if (typeof value === 'number') {
    message(pbf, 9, (histogram) => writeHistogram(histogram, { count: 1, sum: value }, time));
  } else if ('count' in value) {
    message(pbf, 9, (histogram) => writeHistogram(histogram, value, time));
  } else if ('gauge' in value) {
    message(pbf, 5, (gauge) => message(gauge, 1, (point) => numberPoint(point, value.gauge, time)));
  } else {
    message(pbf, 7, (sum) => {
      message(sum, 1, (point) => numberPoint(point, value.sum, time));
      sum.writeVarintField(2, DELTA);
      sum.writeBooleanField(3, true);
    });
  }
}

type Histogram = Pick<Timing, 'count' | 'sum'> & Partial<Timing>;

function writeHistogram(pbf: PbfWriter, { count, sum, min, max }: Histogram, time: bigint): void {
  message(pbf, 1, (point) => {
    fixed64(point, 2, time);
    fixed64(point, 3, time);
    fixed64(point, 4, BigInt(count));
    point.writeDoubleField(5, sum);
    if (min !== undefined) point.writeDoubleField(11, min);
    if (max !== undefined) point.writeDoubleField(12, max);
  });
  pbf.writeVarintField(2, DELTA);
}

function numberPoint(pbf: PbfWriter, value: number, time: bigint): void {
  fixed64(pbf, 2, time);
  fixed64(pbf, 3, time);
  if (Number.isInteger(value)) fixed64(pbf, 6, BigInt(value));
  else pbf.writeDoubleField(4, value);
}

function fixed64(pbf: PbfWriter, field: number, value: bigint): void {
  pbf.writeTag(field, FIXED64);
  pbf.writeFixed32(Number(value & 0xffff_ffffn));
  pbf.writeFixed32(Number(value >> 32n));
}

function attributes(pbf: PbfWriter, field: number, values: Attributes): void {
  for (const [key, value] of Object.entries(values)) {
    message(pbf, field, (pair) => {
      pair.writeStringField(1, key);
      message(pair, 2, (inner) => writeAttributeValue(inner, value));
    });
  }
}

function writeAttributeValue(pbf: PbfWriter, value: AttributeValue): void {
  if (typeof value === 'string') pbf.writeStringField(1, value);
  else if (typeof value === 'boolean') pbf.writeBooleanField(2, value);
  else if (typeof value === 'number') pbf.writeVarintField(3, value);
  else if (value instanceof Uint8Array) pbf.writeBytesField(7, value);
  else {
    message(pbf, 5, (array) => {
      for (const item of value) message(array, 1, (inner) => inner.writeStringField(1, item));
    });
  }
}
