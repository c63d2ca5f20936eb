import type { SocketDetails } from '../kernel/socket-record.ts';
import { AT, type FlowWindow } from './flow-window.ts';

type Counter = Exclude<keyof SocketDetails, 'minRttMicros' | 'deliveryRate'>;

const COUNTERS: readonly (readonly [counter: Counter, place: number])[] = [
  ['busyMicros', AT.busy],
  ['rwndLimitedMicros', AT.rwndLimited],
  ['sndbufLimitedMicros', AT.sndbufLimited],
  ['segmentsOutOfOrder', AT.outOfOrder],
  ['reorderings', AT.reorderings],
  ['dsacks', AT.dsacks],
  ['segmentsCe', AT.segmentsCe],
];

/** How far the details of one connection have been counted. */
export class CountedDetails {
  readonly #counted: Record<Counter, number>;

  /** @param baseline what an adopted connection had done before */
  constructor(baseline?: SocketDetails) {
    this.#counted = {
      busyMicros: baseline?.busyMicros ?? 0,
      rwndLimitedMicros: baseline?.rwndLimitedMicros ?? 0,
      sndbufLimitedMicros: baseline?.sndbufLimitedMicros ?? 0,
      segmentsOutOfOrder: baseline?.segmentsOutOfOrder ?? 0,
      reorderings: baseline?.reorderings ?? 0,
      dsacks: baseline?.dsacks ?? 0,
      segmentsCe: baseline?.segmentsCe ?? 0,
    };
  }

  /**
   * Adds what is new, and one sample of each measure: a connection gives one at every report in
   * whose window it moved, and one at its end. Counters only move forward: two readings may come
   * in either order.
   */
  count(details: SocketDetails, flow: FlowWindow): void {
    for (const [counter, place] of COUNTERS) {
      const grown = Math.max(0, details[counter] - this.#counted[counter]);
      this.#counted[counter] += grown;
      flow.add(place, grown);
    }
    const { minRttMicros, deliveryRate } = details;
    if (minRttMicros > 0) flow.addTimes('min_rtt_us', 1, oneSample(minRttMicros));
    if (deliveryRate > 0) flow.addTimes('delivery_rate', 1, oneSample(deliveryRate));
  }
}

function oneSample(value: number) {
  return { min: value, max: value, sum: value };
}
