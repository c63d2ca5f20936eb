import {
  markUnknown,
  PLAIN_METRICS,
  TIMING_METRICS,
  timingIndex,
  VALUES_LENGTH,
} from '../../model/flow-metrics.ts';
import { type Attributes, readAttribute } from './attributes.ts';
import { Cursor, fixed64Tag, MalformedError, spanTag } from './cursor.ts';
import {
  EXPORT_REQUEST,
  GAUGE,
  HISTOGRAM,
  HISTOGRAM_DATA_POINT,
  HOST_STATS_SCOPE,
  METRIC,
  NUMBER_DATA_POINT,
  REMAINDER_SCOPE,
  RESOURCE,
  RESOURCE_METRICS,
  SCOPE,
  SCOPE_METRICS,
} from './fields.ts';
import { emptyFlowKey, readFlowAttribute, type WireFlowKey } from './flow-key.ts';

/** A flow as it stands in the report: nothing checked yet, values by their places. */
export interface WireFlow {
  readonly key: WireFlowKey;
  readonly values: Float64Array;
}

/** What was cut from a report, as it stands there. */
export interface WireRemainder {
  readonly attributes: Attributes;
  readonly values: Float64Array;
}

/** What one network card counted, as it stands in the report. */
export interface WireHostStats {
  readonly attributes: Attributes;
  readonly values: Readonly<Record<string, number>>;
}

export interface WireReport {
  readonly resource: Attributes;
  /** The time of the first point of a flow, else of the agent's own numbers; 0n when there is none. */
  readonly timeUnixNano: bigint;
  readonly flows: readonly WireFlow[];
  readonly remainders: readonly WireRemainder[];
  readonly hostStats: readonly WireHostStats[];
  /** Flows whose own bytes are malformed, though the frames around them are not. */
  readonly malformedFlows: number;
  /** Flows after the 100,000th. */
  readonly flowsBeyondLimit: number;
  readonly processStats: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
}

const RESOURCE_METRICS_TAG = spanTag(EXPORT_REQUEST.resourceMetrics);
const RESOURCE_TAG = spanTag(RESOURCE_METRICS.resource);
const SCOPE_METRICS_TAG = spanTag(RESOURCE_METRICS.scopeMetrics);
const RESOURCE_ATTRIBUTE_TAG = spanTag(RESOURCE.attributes);
const SCOPE_TAG = spanTag(SCOPE_METRICS.scope);
const METRIC_TAG = spanTag(SCOPE_METRICS.metrics);
const SCOPE_NAME_TAG = spanTag(SCOPE.name);
const SCOPE_ATTRIBUTE_TAG = spanTag(SCOPE.attributes);
const METRIC_NAME_TAG = spanTag(METRIC.name);
const GAUGE_TAG = spanTag(METRIC.gauge);
const SUM_TAG = spanTag(METRIC.sum);
const HISTOGRAM_TAG = spanTag(METRIC.histogram);
const NUMBER_POINT_TAG = spanTag(GAUGE.dataPoints);
const HISTOGRAM_POINT_TAG = spanTag(HISTOGRAM.dataPoints);
const NUMBER_DOUBLE_TAG = fixed64Tag(NUMBER_DATA_POINT.asDouble);
const NUMBER_INT_TAG = fixed64Tag(NUMBER_DATA_POINT.asInt);
const NUMBER_TIME_TAG = fixed64Tag(NUMBER_DATA_POINT.timeUnixNano);
const TIME_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.timeUnixNano);
const COUNT_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.count);
const SUM_VALUE_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.sum);
const MIN_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.min);
const MAX_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.max);

const NETWORK_STATS = Buffer.from('network_stats');

/** There are two sides and three hints. */
const MAX_REMAINDERS = 16;
/** No instance type has more network cards. */
const MAX_CARDS = 64;

/** Flows whose values share a buffer: half of what an agent sends. */
const VALUES_CHUNK = 256;

/** No field has this tag: what stands for fields a plain metric does not read. */
const SKIPPED = 0;

/** An agent sends 500; the bound keeps a hostile report from taking gigabytes when unpacked. */
const MAX_FLOWS = 100_000;

/** Where a metric's first value goes, and whether it takes one place or four. */
interface MetricPlace {
  readonly index: number;
  readonly timing: boolean;
}

const PLACES: ReadonlyMap<string, MetricPlace> = new Map<string, MetricPlace>([
  ...PLAIN_METRICS.map((name, index) => [name, { index, timing: false }] as const),
  ...TIMING_METRICS.map((name) => [name, { index: timingIndex(name), timing: true }] as const),
]);

/** A metric name as bytes beside its place, guessed before any name is read as a string. */
interface Guess {
  readonly name: Uint8Array;
  readonly place: MetricPlace | undefined;
}

/**
 * Walks the frames that make a report one: the request, its resources, and the lengths of the
 * scopes. Cheap, as the scopes' contents are not read.
 *
 * @returns the attributes of the first resource
 * @throws MalformedError
 */
export function readResource(bytes: Buffer): Attributes {
  const cursor = new Cursor(bytes);
  const attributes: Attributes = new Map();
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag !== RESOURCE_METRICS_TAG) {
      cursor.skip(tag);
      continue;
    }
    const outer = cursor.enter();
    while (cursor.more) {
      const inner = cursor.tag();
      if (inner === RESOURCE_TAG) readAttributes(cursor, RESOURCE_ATTRIBUTE_TAG, attributes);
      else cursor.skip(inner);
    }
    cursor.leave(outer);
  }
  return attributes;
}

/**
 * Reads a whole report (ExportMetricsServiceRequest, OTLP 1.x). Unknown fields, scopes, metrics
 * and attributes are skipped; a flow that is malformed inside is counted and the rest read.
 *
 * @throws MalformedError when the outer frames are
 */
export function decodeReport(bytes: Buffer): WireReport {
  return new ReportReader(bytes).read();
}

class ReportReader {
  readonly #cursor: Cursor;
  readonly #resource: Attributes = new Map();
  readonly #flows: WireFlow[] = [];
  readonly #remainders: WireRemainder[] = [];
  readonly #hostStats: WireHostStats[] = [];
  readonly #processStats: Record<string, number> = {};
  readonly #counters: Record<string, number> = {};
  /** Metrics come in the same order in every flow of a report: the order of the last one read. */
  readonly #guesses: Guess[] = [];
  #valuesChunk = new Float64Array(0);
  #valuesTaken = VALUES_CHUNK;
  #malformedFlows = 0;
  #flowsBeyondLimit = 0;
  #timeUnixNano = 0n;
  /** A report without flows has no other time. */
  #numbersTimeUnixNano = 0n;

  constructor(bytes: Buffer) {
    this.#cursor = new Cursor(bytes);
  }

  read(): WireReport {
    const cursor = this.#cursor;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === RESOURCE_METRICS_TAG) this.#readResourceMetrics();
      else cursor.skip(tag);
    }
    return {
      resource: this.#resource,
      timeUnixNano: this.#timeUnixNano || this.#numbersTimeUnixNano,
      flows: this.#flows,
      remainders: this.#remainders,
      hostStats: this.#hostStats,
      malformedFlows: this.#malformedFlows,
      flowsBeyondLimit: this.#flowsBeyondLimit,
      processStats: this.#processStats,
      counters: this.#counters,
    };
  }

  #readResourceMetrics(): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === RESOURCE_TAG) readAttributes(cursor, RESOURCE_ATTRIBUTE_TAG, this.#resource);
      else if (tag === SCOPE_METRICS_TAG) this.#readScopeOrCount();
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  /** A malformed scope ends at its own length: what follows it is still read. */
  #readScopeOrCount(): void {
    const outer = this.#cursor.enter();
    const end = this.#cursor.end;
    const flows = this.#flows.length;
    const remainders = this.#remainders.length;
    const hostStats = this.#hostStats.length;
    try {
      this.#readScope();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#flows.length = flows;
      this.#remainders.length = remainders;
      this.#hostStats.length = hostStats;
      this.#malformedFlows += 1;
    }
    this.#cursor.leaveAt(end, outer);
  }

  /** The scope's name and attributes come before its metrics, as every protobuf writer has it. */
  #readScope(): void {
    const cursor = this.#cursor;
    const key = emptyFlowKey();
    let readMetric: MetricReader = skipMetric;
    let position = 0;
    while (cursor.more) {
      const tag = cursor.tag();
      switch (tag) {
        case SCOPE_TAG:
          readMetric = this.#metricReader(readScopeHead(cursor, key));
          break;
        case METRIC_TAG:
          readMetric(cursor, position);
          position += 1;
          break;
        default:
          cursor.skip(tag);
      }
    }
  }

  #metricReader({ name, key, attributes }: ScopeHead): MetricReader {
    switch (name) {
      case 'network_stats': {
        const values = this.#newValues();
        if (this.#flows.length < MAX_FLOWS) this.#flows.push({ key, values });
        else this.#flowsBeyondLimit += 1;
        return (_, position) => this.#readFlowMetric(values, position);
      }
      case REMAINDER_SCOPE: {
        const values = this.#newValues();
        const isTaken = attributes !== undefined && this.#remainders.length < MAX_REMAINDERS;
        if (isTaken) this.#remainders.push({ attributes, values });
        return (_, position) => this.#readFlowMetric(values, position);
      }
      case HOST_STATS_SCOPE: {
        const values: Record<string, number> = {};
        const isTaken = attributes !== undefined && this.#hostStats.length < MAX_CARDS;
        if (isTaken) this.#hostStats.push({ attributes, values });
        return (cursor) => this.#readNumberMetric(cursor, values);
      }
      case 'process_stats':
        return (cursor) => this.#readNumberMetric(cursor, this.#processStats);
      case 'counters':
        return (cursor) => this.#readNumberMetric(cursor, this.#counters);
      default:
        return skipMetric;
    }
  }

  /** Values of many flows share one buffer: a buffer a flow costs more than reading the flow. */
  #newValues(): Float64Array {
    if (this.#valuesTaken === VALUES_CHUNK) {
      this.#valuesChunk = new Float64Array(VALUES_CHUNK * VALUES_LENGTH);
      this.#valuesTaken = 0;
    }
    const first = this.#valuesTaken * VALUES_LENGTH;
    this.#valuesTaken += 1;
    return markUnknown(this.#valuesChunk.subarray(first, first + VALUES_LENGTH));
  }

  #readFlowMetric(values: Float64Array, position: number): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    let place: MetricPlace | undefined;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === METRIC_NAME_TAG) place = this.#readPlace(position);
      else if (tag === HISTOGRAM_TAG && place !== undefined) this.#readHistogram(values, place);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  #readPlace(position: number): MetricPlace | undefined {
    const guess = this.#guesses[position];
    if (guess !== undefined && this.#cursor.takeSpan(guess.name)) return guess.place;
    const name = this.#cursor.string();
    const place = PLACES.get(name);
    this.#guesses[position] = { name: Buffer.from(name), place };
    return place;
  }

  #readHistogram(values: Float64Array, place: MetricPlace): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === HISTOGRAM_POINT_TAG) this.#readPoint(values, place);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  #readPoint(values: Float64Array, { index, timing }: MetricPlace): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    while (cursor.more) {
      const tag = cursor.tag();
      switch (timing || tag === SUM_VALUE_TAG || tag === TIME_TAG ? tag : SKIPPED) {
        case SUM_VALUE_TAG:
          values[timing ? index + 3 : index] = cursor.double();
          break;
        case COUNT_TAG:
          values[index] = cursor.fixed64Number();
          break;
        case MIN_TAG:
          values[index + 1] = cursor.double();
          break;
        case MAX_TAG:
          values[index + 2] = cursor.double();
          break;
        case TIME_TAG:
          this.#readTime();
          break;
        default:
          cursor.skip(tag);
      }
    }
    cursor.leave(outer);
  }

  #readTime(): void {
    if (this.#timeUnixNano === 0n) this.#timeUnixNano = this.#cursor.fixed64();
    else this.#cursor.skip(TIME_TAG);
  }

  /** A Gauge or Sum (their points have the same field number) of the agent's own statistics. */
  #readNumberMetric(cursor: Cursor, into: Record<string, number>): void {
    const outer = cursor.enter();
    let name = '';
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === METRIC_NAME_TAG) name = cursor.string();
      else if (tag === GAUGE_TAG || tag === SUM_TAG) into[name] = this.#readNumberPoints(cursor);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  #readNumberPoints(cursor: Cursor): number {
    const outer = cursor.enter();
    let value = 0;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === NUMBER_POINT_TAG) value = this.#readNumberPoint(cursor);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
    return value;
  }

  #readNumberPoint(cursor: Cursor): number {
    const outer = cursor.enter();
    let value = 0;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === NUMBER_DOUBLE_TAG) value = cursor.double();
      else if (tag === NUMBER_INT_TAG) value = Number(BigInt.asIntN(64, cursor.fixed64()));
      else if (tag === NUMBER_TIME_TAG) this.#numbersTimeUnixNano = cursor.fixed64();
      else cursor.skip(tag);
    }
    cursor.leave(outer);
    return value;
  }
}

/** Reads one metric of a scope; `position` counts them from 0. */
type MetricReader = (cursor: Cursor, position: number) => void;

function skipMetric(cursor: Cursor): void {
  cursor.skip(METRIC_TAG);
}

function readAttributes(cursor: Cursor, attributeTag: number, into: Attributes): void {
  const outer = cursor.enter();
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === attributeTag) readAttribute(cursor, into);
    else cursor.skip(tag);
  }
  cursor.leave(outer);
}

interface ScopeHead {
  readonly name: string;
  readonly key: WireFlowKey;
  /** Of a remainder and of a card's counters. */
  readonly attributes: Attributes | undefined;
}

/** The scope's name comes before its attributes, as every protobuf writer has it. */
function readScopeHead(cursor: Cursor, key: WireFlowKey): ScopeHead {
  const outer = cursor.enter();
  let name = '';
  let attributes: Attributes | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === SCOPE_NAME_TAG) {
      name = cursor.takeSpan(NETWORK_STATS) ? 'network_stats' : cursor.string();
      if (name === REMAINDER_SCOPE || name === HOST_STATS_SCOPE) attributes = new Map();
    } else if (tag !== SCOPE_ATTRIBUTE_TAG) cursor.skip(tag);
    else if (attributes !== undefined) readAttribute(cursor, attributes);
    else readFlowAttribute(cursor, key);
  }
  cursor.leave(outer);
  return { name, key, attributes };
}
