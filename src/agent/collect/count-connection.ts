import { addSamples } from '../../model/flow-metrics.ts';
import { SEVERED_CONNECT, SEVERED_ESTABLISHED } from '../kernel/record-layout.ts';
import { COUNTER_DETAILS, SAMPLE_DETAILS, type SocketDetails } from '../kernel/socket-details.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { addSampleTo, addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';

/**
 * Counts a connection that was never tracked, from its last record. The collector sees most short
 * connections only at their end; tracking them from their beginning would double their cost.
 *
 * @param epoch the last complete one
 */
export function countWhole(flow: FlowWindow, record: SocketRecord, epoch: number): void {
  const values = flow.touch();
  flow.setOwner(record.processName, record.cgroupId);
  if (!record.isServer) addTo(values, VALUE_INDEX.connectAttempts, 1);
  const { connectMicros } = record;
  if (connectMicros > 0) addSampleTo(values, VALUE_INDEX.connectTimes, connectMicros);
  addTo(values, VALUE_INDEX.bytesReceived, record.bytesReceived);
  addTo(values, VALUE_INDEX.bytesDelivered, record.bytesAcked);
  addTo(values, VALUE_INDEX.segmentsReceived, record.segmentsIn);
  addTo(values, VALUE_INDEX.segmentsDelivered, record.segmentsOut);
  // Unrolled: a loop over the phases costs 8% of a connection's end.
  const { retrans, rtos } = VALUE_INDEX;
  addTo(values, retrans, record.retrans(0));
  addTo(values, retrans + 1, record.retrans(1));
  addTo(values, retrans + 2, record.retrans(2));
  addTo(values, rtos, record.rtos(0));
  addTo(values, rtos + 1, record.rtos(1));
  addTo(values, rtos + 2, record.rtos(2));
  countTrips(values, record, epoch);
  countTrips(values, record, epoch + 1);
  countDetails(values, record.details);
  countEnd(values, record);
}

/** Counts how a connection ended. */
export function countEnd(values: Float64Array, { ending }: SocketRecord): void {
  addTo(values, VALUE_INDEX.completed, 1);
  addTo(values, VALUE_INDEX.closed, 1);
  if ((ending & SEVERED_CONNECT) !== 0) addTo(values, VALUE_INDEX.severedConnect, 1);
  if ((ending & SEVERED_ESTABLISHED) !== 0) addTo(values, VALUE_INDEX.severedEstablish, 1);
}

/** Adds the round trips of an epoch; false when it had none. */
export function countTrips(values: Float64Array, record: SocketRecord, epoch: number): boolean {
  const trips = record.roundTrips(epoch);
  if (trips === undefined) return false;
  addSamples(values, VALUE_INDEX.rttTimes, trips.rtt);
  addSamples(values, VALUE_INDEX.smoothedTimes, trips.smoothed);
  return true;
}

function countDetails(values: Float64Array, details: SocketDetails): void {
  for (let run = 0; run < COUNTER_RUNS.length; run += 1) {
    const { value, detail, length } = COUNTER_RUNS[run] ?? NO_RUN;
    for (let i = 0; i < length; i += 1) {
      values[value + i] = (values[value + i] || 0) + (details[detail + i] ?? 0);
    }
  }
  addMeasures(values, details);
}

/** Adds one sample of each measure that the socket has. */
export function addMeasures(values: Float64Array, details: SocketDetails): void {
  for (let i = 0; i < SAMPLES; i += 1) {
    const measure = details[SAMPLE_DETAIL[i] ?? 0] ?? 0;
    if (measure > 0) addSampleTo(values, SAMPLE_VALUE[i] ?? 0, measure);
  }
}

interface Run {
  readonly value: number;
  readonly detail: number;
  length: number;
}

const NO_RUN: Run = { value: 0, detail: 0, length: 0 };

/**
 * Runs of counters that are in the same order, without gaps, in a flow's values and in a socket's
 * details. Usually a single run has all counters.
 */
const COUNTER_RUNS: readonly Run[] = COUNTER_DETAILS.reduce<Run[]>((runs, { value, detail }) => {
  const last = runs.at(-1) ?? NO_RUN;
  const isNext = value === last.value + last.length && detail === last.detail + last.length;
  if (isNext) last.length += 1;
  else runs.push({ value, detail, length: 1 });
  return runs;
}, []);

const SAMPLES = SAMPLE_DETAILS.length;
const SAMPLE_DETAIL = SAMPLE_DETAILS.map(({ detail }) => detail);
const SAMPLE_VALUE = SAMPLE_DETAILS.map(({ value }) => value);
