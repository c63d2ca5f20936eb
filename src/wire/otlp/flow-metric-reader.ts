import {
  markUnknown,
  PLAIN_METRICS,
  TIMING_METRICS,
  timingIndex,
  VALUES_LENGTH,
} from '../../model/flow-metrics.ts';
import { type Cursor, fixed64Tag, spanTag } from './cursor.ts';
import { HISTOGRAM, HISTOGRAM_DATA_POINT, METRIC } from './fields.ts';

const METRIC_NAME_TAG = spanTag(METRIC.name);
const HISTOGRAM_TAG = spanTag(METRIC.histogram);
const POINT_TAG = spanTag(HISTOGRAM.dataPoints);
const TIME_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.timeUnixNano);
const COUNT_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.count);
const SUM_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.sum);
const MIN_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.min);
const MAX_TAG = fixed64Tag(HISTOGRAM_DATA_POINT.max);

/** The number of flows whose values share a buffer: half of the flows in an agent's report. */
const FLOWS_PER_BUFFER = 256;

/** No field has this tag: it stands for the fields that a plain metric does not read. */
const SKIPPED = 0;

/** The index of a metric's first value; a timing has three more. */
interface MetricIndex {
  readonly first: number;
  readonly isTiming: boolean;
}

const INDEX_OF: ReadonlyMap<string, MetricIndex> = new Map<string, MetricIndex>([
  ...PLAIN_METRICS.map((name, first) => [name, { first, isTiming: false }] as const),
  ...TIMING_METRICS.map((name) => [name, { first: timingIndex(name), isTiming: true }] as const),
]);

/** A metric's name as bytes, to compare the next flow's name with before decoding it. */
interface Guess {
  readonly name: Uint8Array;
  readonly index: MetricIndex | undefined;
}

/** Reads the metrics of flows: one Histogram each. Skips unknown metrics. */
export class FlowMetricReader {
  readonly #cursor: Cursor;
  /** The metrics of the last flow, in order: all flows of a report have the same order. */
  readonly #guesses: Guess[] = [];
  #buffer = new Float64Array(0);
  #flowsInBuffer = FLOWS_PER_BUFFER;
  #timeUnixNano = 0n;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** The time of the first point; 0n before it. */
  get timeUnixNano(): bigint {
    return this.#timeUnixNano;
  }

  /**
   * Returns values for another flow. Flows share a buffer, because allocating one for each flow
   * costs more than reading the flow.
   */
  newValues(): Float64Array {
    if (this.#flowsInBuffer === FLOWS_PER_BUFFER) {
      this.#buffer = new Float64Array(FLOWS_PER_BUFFER * VALUES_LENGTH);
      this.#flowsInBuffer = 0;
    }
    const first = this.#flowsInBuffer * VALUES_LENGTH;
    this.#flowsInBuffer += 1;
    return markUnknown(this.#buffer.subarray(first, first + VALUES_LENGTH));
  }

  /** Reads the metric at a position of its scope into the flow's values. */
  read(values: Float64Array, position: number): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    let index: MetricIndex | undefined;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === METRIC_NAME_TAG) index = this.#readName(position);
      else if (tag === HISTOGRAM_TAG && index !== undefined) this.#readHistogram(values, index);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  #readName(position: number): MetricIndex | undefined {
    const guess = this.#guesses[position];
    if (guess !== undefined && this.#cursor.takeSpan(guess.name)) return guess.index;
    const name = this.#cursor.string();
    const index = INDEX_OF.get(name);
    this.#guesses[position] = { name: Buffer.from(name), index };
    return index;
  }

  #readHistogram(values: Float64Array, index: MetricIndex): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === POINT_TAG) this.#readPoint(values, index);
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  #readPoint(values: Float64Array, { first, isTiming }: MetricIndex): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    while (cursor.more) {
      const tag = cursor.tag();
      switch (isTiming || tag === SUM_TAG || tag === TIME_TAG ? tag : SKIPPED) {
        case SUM_TAG:
          values[isTiming ? first + 3 : first] = cursor.double();
          break;
        case COUNT_TAG:
          values[first] = cursor.fixed64Number();
          break;
        case MIN_TAG:
          values[first + 1] = cursor.double();
          break;
        case MAX_TAG:
          values[first + 2] = cursor.double();
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
}
