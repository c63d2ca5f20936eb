import {
  PHASES,
  SEVERED_CONNECT,
  SEVERED_ESTABLISHED,
  type SocketRecord,
} from '../kernel/socket-record.ts';
import { AT, addTimesTo, addTimeTo, addTo, type FlowWindow } from './flow-window.ts';

/**
 * Counts all that a connection did from its beginning to its end, by its last record. Most short
 * connections are met only then; to track them for so long would cost as much again.
 *
 * @param epoch the last that is complete
 */
export function countWhole(flow: FlowWindow, record: SocketRecord, epoch: number): void {
  const values = flow.touch();
  flow.own(record.processName, record.cgroupId);
  if (!record.isServer) addTo(values, AT.connectAttempts, 1);
  const { connectMicros } = record;
  if (connectMicros > 0) addTimeTo(values, AT.connectTimes, connectMicros);
  addTo(values, AT.bytesReceived, record.bytesReceived);
  addTo(values, AT.bytesDelivered, record.bytesAcked);
  addTo(values, AT.segmentsReceived, record.segmentsIn);
  addTo(values, AT.segmentsDelivered, record.segmentsOut);
  for (const phase of PHASES) {
    addTo(values, AT.retrans + phase, record.retrans(phase));
    addTo(values, AT.rtos + phase, record.rtos(phase));
  }
  countTrips(values, record, epoch);
  countTrips(values, record, epoch + 1);
  countDetails(values, record);
  countEnd(values, record);
}

/** Counts how a connection ended. */
export function countEnd(values: Float64Array, { ending }: SocketRecord): void {
  addTo(values, AT.completed, 1);
  addTo(values, AT.closed, 1);
  if ((ending & SEVERED_CONNECT) !== 0) addTo(values, AT.severedConnect, 1);
  if ((ending & SEVERED_ESTABLISHED) !== 0) addTo(values, AT.severedEstablish, 1);
}

/** Adds the round trips of an epoch; says whether there were any. */
export function countTrips(values: Float64Array, record: SocketRecord, epoch: number): boolean {
  const trips = record.roundTrips(epoch);
  if (trips === undefined) return false;
  addTimesTo(values, AT.rttTimes, trips.rtt);
  addTimesTo(values, AT.smoothedTimes, trips.smoothed);
  return true;
}

function countDetails(values: Float64Array, record: SocketRecord): void {
  const { details } = record;
  addTo(values, AT.busy, details.busyMicros);
  addTo(values, AT.rwndLimited, details.rwndLimitedMicros);
  addTo(values, AT.sndbufLimited, details.sndbufLimitedMicros);
  addTo(values, AT.outOfOrder, details.segmentsOutOfOrder);
  addTo(values, AT.reorderings, details.reorderings);
  addTo(values, AT.dsacks, details.dsacks);
  addTo(values, AT.segmentsCe, details.segmentsCe);
  if (details.minRttMicros > 0) addTimeTo(values, AT.minRttTimes, details.minRttMicros);
  if (details.deliveryRate > 0) addTimeTo(values, AT.deliveryRates, details.deliveryRate);
}
