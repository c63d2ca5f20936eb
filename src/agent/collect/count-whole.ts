import {
  type Phase,
  SEVERED_CONNECT,
  SEVERED_ESTABLISHED,
  type SocketRecord,
} from '../kernel/socket-record.ts';
import { AT, type FlowWindow } from './flow-window.ts';

export const PHASES: readonly Phase[] = [0, 1, 2];

/**
 * Counts all that a connection did from its beginning to its end, by its last record. Most short
 * connections are met only then; to track them for so long would cost as much again.
 *
 * @param epoch the last that is complete
 */
export function countWhole(flow: FlowWindow, record: SocketRecord, epoch: number): void {
  flow.touched = true;
  flow.own(record.processName, record.cgroupId);
  if (!record.isServer) flow.add(AT.connectAttempts, 1);
  if (record.connectMicros > 0) flow.addTime(AT.connectTimes, record.connectMicros);
  flow.add(AT.bytesReceived, record.bytesReceived);
  flow.add(AT.bytesDelivered, record.bytesAcked);
  flow.add(AT.segmentsReceived, record.segmentsIn);
  flow.add(AT.segmentsDelivered, record.segmentsOut);
  for (const phase of PHASES) {
    const retrans = record.retrans(phase);
    if (retrans > 0) flow.add(AT.retrans + phase, retrans);
    const rtos = record.rtos(phase);
    if (rtos > 0) flow.add(AT.rtos + phase, rtos);
  }
  countTrips(flow, record, epoch);
  countTrips(flow, record, epoch + 1);
  countDetails(flow, record);
  countEnd(flow, record);
}

/** Counts how a connection ended. */
export function countEnd(flow: FlowWindow, { ending }: SocketRecord): void {
  flow.add(AT.completed, 1);
  flow.add(AT.closed, 1);
  if ((ending & SEVERED_CONNECT) !== 0) flow.add(AT.severedConnect, 1);
  if ((ending & SEVERED_ESTABLISHED) !== 0) flow.add(AT.severedEstablish, 1);
}

/** Adds the round trips of an epoch; says whether there were any. */
export function countTrips(flow: FlowWindow, record: SocketRecord, epoch: number): boolean {
  const trips = record.roundTrips(epoch);
  if (trips === undefined) return false;
  flow.addTimes(AT.rttTimes, trips.count, trips.rtt);
  flow.addTimes(AT.smoothedTimes, trips.count, trips.smoothed);
  return true;
}

function countDetails(flow: FlowWindow, record: SocketRecord): void {
  const { details } = record;
  flow.add(AT.busy, details.busyMicros);
  flow.add(AT.rwndLimited, details.rwndLimitedMicros);
  flow.add(AT.sndbufLimited, details.sndbufLimitedMicros);
  flow.add(AT.outOfOrder, details.segmentsOutOfOrder);
  flow.add(AT.reorderings, details.reorderings);
  flow.add(AT.dsacks, details.dsacks);
  flow.add(AT.segmentsCe, details.segmentsCe);
  if (details.minRttMicros > 0) flow.addTime(AT.minRttTimes, details.minRttMicros);
  if (details.deliveryRate > 0) flow.addTime(AT.deliveryRates, details.deliveryRate);
}
