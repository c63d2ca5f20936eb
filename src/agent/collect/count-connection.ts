import {
  PHASES,
  SEVERED_CONNECT,
  SEVERED_ESTABLISHED,
  type SocketRecord,
} from '../kernel/socket-record.ts';
import { addTimesTo, addTimeTo, addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';

/**
 * Counts all that a connection did from its beginning to its end, by its last record. Most short
 * connections are met only then; to track them for so long would cost as much again.
 *
 * @param epoch the last that is complete
 */
export function countWhole(flow: FlowWindow, record: SocketRecord, epoch: number): void {
  const values = flow.touch();
  flow.own(record.processName, record.cgroupId);
  if (!record.isServer) addTo(values, VALUE_INDEX.connectAttempts, 1);
  const { connectMicros } = record;
  if (connectMicros > 0) addTimeTo(values, VALUE_INDEX.connectTimes, connectMicros);
  addTo(values, VALUE_INDEX.bytesReceived, record.bytesReceived);
  addTo(values, VALUE_INDEX.bytesDelivered, record.bytesAcked);
  addTo(values, VALUE_INDEX.segmentsReceived, record.segmentsIn);
  addTo(values, VALUE_INDEX.segmentsDelivered, record.segmentsOut);
  for (const phase of PHASES) {
    addTo(values, VALUE_INDEX.retrans + phase, record.retrans(phase));
    addTo(values, VALUE_INDEX.rtos + phase, record.rtos(phase));
  }
  countTrips(values, record, epoch);
  countTrips(values, record, epoch + 1);
  countDetails(values, record);
  countEnd(values, record);
}

/** Counts how a connection ended. */
export function countEnd(values: Float64Array, { ending }: SocketRecord): void {
  addTo(values, VALUE_INDEX.completed, 1);
  addTo(values, VALUE_INDEX.closed, 1);
  if ((ending & SEVERED_CONNECT) !== 0) addTo(values, VALUE_INDEX.severedConnect, 1);
  if ((ending & SEVERED_ESTABLISHED) !== 0) addTo(values, VALUE_INDEX.severedEstablish, 1);
}

/** Adds the round trips of an epoch; says whether there were any. */
export function countTrips(values: Float64Array, record: SocketRecord, epoch: number): boolean {
  const trips = record.roundTrips(epoch);
  if (trips === undefined) return false;
  addTimesTo(values, VALUE_INDEX.rttTimes, trips.rtt);
  addTimesTo(values, VALUE_INDEX.smoothedTimes, trips.smoothed);
  return true;
}

function countDetails(values: Float64Array, record: SocketRecord): void {
  const { details } = record;
  addTo(values, VALUE_INDEX.busy, details.busyMicros);
  addTo(values, VALUE_INDEX.rwndLimited, details.rwndLimitedMicros);
  addTo(values, VALUE_INDEX.sndbufLimited, details.sndbufLimitedMicros);
  addTo(values, VALUE_INDEX.outOfOrder, details.segmentsOutOfOrder);
  addTo(values, VALUE_INDEX.reorderings, details.reorderings);
  addTo(values, VALUE_INDEX.dsacks, details.dsacks);
  addTo(values, VALUE_INDEX.segmentsCe, details.segmentsCe);
  if (details.minRttMicros > 0) addTimeTo(values, VALUE_INDEX.minRttTimes, details.minRttMicros);
  if (details.deliveryRate > 0) addTimeTo(values, VALUE_INDEX.deliveryRates, details.deliveryRate);
}
