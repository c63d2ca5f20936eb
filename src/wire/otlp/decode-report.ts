import { type Attributes, readAttribute, readAttributes } from './attributes.ts';
import { Cursor, MalformedError, spanTag } from './cursor.ts';
import {
  EXPORT_REQUEST,
  HOST_STATS_SCOPE,
  REMAINDER_SCOPE,
  RESOURCE,
  RESOURCE_METRICS,
  SCOPE,
  SCOPE_METRICS,
} from './fields.ts';
import { emptyFlowKey, readFlowAttribute, type WireFlowKey } from './flow-key.ts';
import { FlowMetricReader } from './flow-metric-reader.ts';
import { NumberMetricReader } from './number-metric-reader.ts';

/** A flow as in the report, unchecked; its values are indexed by `model/flow-metrics.ts`. */
export interface WireFlow {
  readonly key: WireFlowKey;
  readonly values: Float64Array;
}

/** The flows that were cut from a report, as in the report, unchecked. */
export interface WireRemainder {
  readonly attributes: Attributes;
  readonly values: Float64Array;
}

/** The counters of one network card, as in the report, unchecked. */
export interface WireHostStats {
  readonly attributes: Attributes;
  readonly values: Readonly<Record<string, number>>;
}

export interface WireReport {
  readonly resource: Attributes;
  /** The time of a flow's first point, else of the agent's own numbers; 0n without either. */
  readonly timeUnixNano: bigint;
  readonly flows: readonly WireFlow[];
  readonly remainders: readonly WireRemainder[];
  readonly hostStats: readonly WireHostStats[];
  /** Flows with malformed bytes inside a well-formed frame. */
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

const NETWORK_STATS = Buffer.from('network_stats');

/** Two sides times three hints give six; a report may have some more. */
const MAX_REMAINDERS = 16;
/** No instance type has more network cards. */
const MAX_CARDS = 64;
/** An agent sends 500. The limit keeps a hostile report from expanding to gigabytes. */
const MAX_FLOWS = 100_000;

/**
 * Decodes a report (ExportMetricsServiceRequest, OTLP 1.x). Skips unknown fields, scopes, metrics
 * and attributes. Counts a flow with malformed bytes and reads the others.
 *
 * @throws MalformedError when the outer frames are malformed
 */
export function decodeReport(bytes: Buffer): WireReport {
  return new ReportReader(bytes).read();
}

class ReportReader {
  readonly #cursor: Cursor;
  readonly #flowMetrics: FlowMetricReader;
  readonly #numberMetrics: NumberMetricReader;
  readonly #resource: Attributes = new Map();
  readonly #flows: WireFlow[] = [];
  readonly #remainders: WireRemainder[] = [];
  readonly #hostStats: WireHostStats[] = [];
  readonly #processStats: Record<string, number> = {};
  readonly #counters: Record<string, number> = {};
  #malformedFlows = 0;
  #flowsBeyondLimit = 0;

  constructor(bytes: Buffer) {
    this.#cursor = new Cursor(bytes);
    this.#flowMetrics = new FlowMetricReader(this.#cursor);
    this.#numberMetrics = new NumberMetricReader(this.#cursor);
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
      timeUnixNano: this.#flowMetrics.timeUnixNano || this.#numberMetrics.timeUnixNano,
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

  /** Reads a scope. A malformed one is counted, and reading continues after its frame. */
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

  /** The scope's name and attributes precede its metrics: every protobuf writer does this. */
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
        const values = this.#flowMetrics.newValues();
        if (this.#flows.length < MAX_FLOWS) this.#flows.push({ key, values });
        else this.#flowsBeyondLimit += 1;
        return (_, position) => this.#flowMetrics.read(values, position);
      }
      case REMAINDER_SCOPE: {
        const values = this.#flowMetrics.newValues();
        const isKept = attributes !== undefined && this.#remainders.length < MAX_REMAINDERS;
        if (isKept) this.#remainders.push({ attributes, values });
        return (_, position) => this.#flowMetrics.read(values, position);
      }
      case HOST_STATS_SCOPE: {
        const values: Record<string, number> = {};
        const isKept = attributes !== undefined && this.#hostStats.length < MAX_CARDS;
        if (isKept) this.#hostStats.push({ attributes, values });
        return () => this.#numberMetrics.read(values);
      }
      case 'process_stats':
        return () => this.#numberMetrics.read(this.#processStats);
      case 'counters':
        return () => this.#numberMetrics.read(this.#counters);
      default:
        return skipMetric;
    }
  }
}

/** Reads one metric of a scope; the first has position 0. */
type MetricReader = (cursor: Cursor, position: number) => void;

function skipMetric(cursor: Cursor): void {
  cursor.skip(METRIC_TAG);
}

interface ScopeHead {
  readonly name: string;
  readonly key: WireFlowKey;
  /** Present for a remainder and for the counters of a card. */
  readonly attributes: Attributes | undefined;
}

/** The scope's name precedes its attributes: every protobuf writer does this. */
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
