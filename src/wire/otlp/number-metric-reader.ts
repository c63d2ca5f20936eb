import { type Cursor, fixed64Tag, spanTag } from './cursor.ts';
import { GAUGE, METRIC, NUMBER_DATA_POINT } from './fields.ts';

const METRIC_NAME_TAG = spanTag(METRIC.name);
const GAUGE_TAG = spanTag(METRIC.gauge);
const SUM_TAG = spanTag(METRIC.sum);
const POINT_TAG = spanTag(GAUGE.dataPoints);
const DOUBLE_TAG = fixed64Tag(NUMBER_DATA_POINT.asDouble);
const INT_TAG = fixed64Tag(NUMBER_DATA_POINT.asInt);
const TIME_TAG = fixed64Tag(NUMBER_DATA_POINT.timeUnixNano);

/** Reads the agent's own statistics and the counters of network cards: Gauges and Sums. */
export class NumberMetricReader {
  readonly #cursor: Cursor;
  #timeUnixNano = 0n;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** The time of the last point; 0n before the first. */
  get timeUnixNano(): bigint {
    return this.#timeUnixNano;
  }

  /** Reads one metric into `into`. The points of a Gauge and of a Sum have the same field number. */
  read(into: Record<string, number>): void {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    let name = '';
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === METRIC_NAME_TAG) name = cursor.string();
      else if (tag === GAUGE_TAG || tag === SUM_TAG) into[name] = this.#readPoints();
      else cursor.skip(tag);
    }
    cursor.leave(outer);
  }

  /** The value of the last point. */
  #readPoints(): number {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    let value = 0;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === POINT_TAG) value = this.#readPoint();
      else cursor.skip(tag);
    }
    cursor.leave(outer);
    return value;
  }

  #readPoint(): number {
    const cursor = this.#cursor;
    const outer = cursor.enter();
    let value = 0;
    while (cursor.more) {
      const tag = cursor.tag();
      if (tag === DOUBLE_TAG) value = cursor.double();
      else if (tag === INT_TAG) value = Number(BigInt.asIntN(64, cursor.fixed64()));
      else if (tag === TIME_TAG) this.#timeUnixNano = cursor.fixed64();
      else cursor.skip(tag);
    }
    cursor.leave(outer);
    return value;
  }
}
