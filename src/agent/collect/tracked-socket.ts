import {
  type Phase,
  SEVERED_CONNECT,
  SEVERED_ESTABLISHED,
  type SocketProgress,
  type SocketRecord,
  TCP_STATE,
} from '../kernel/socket-record.ts';
import { CountedDetails } from './counted-details.ts';
import { AT, type FlowWindow } from './flow-window.ts';

const PHASES: readonly Phase[] = [0, 1, 2];

/** `changes` of a socket that must be read again whether it changed or not. */
const READ_AGAIN = -1;

/**
 * How far one connection has been counted. Bytes and segments come from two places that may be
 * read in either order (the record and the iterator), so they only ever move forward.
 */
export class TrackedSocket {
  readonly startedNanos: number;
  readonly flow: FlowWindow;
  readonly #cgroupId: number;
  /** "" until it is known. */
  #processName: string;
  state = 0;
  /** Milliseconds since 1970 of the last thing that happened. */
  activeAt = 0;
  /** The last reading of the table that showed it. */
  seenAt = 0;
  #changes = READ_AGAIN;
  #bytesReceived = 0;
  #bytesAcked = 0;
  #segmentsIn = 0;
  #segmentsOut = 0;
  readonly #retrans: [number, number, number] = [0, 0, 0];
  readonly #rtos: [number, number, number] = [0, 0, 0];
  #connectCounted = false;
  readonly #details: CountedDetails;
  /** The last epoch whose round trips were counted. */
  #epoch: number;

  /** @param record where to count from: nothing, or what an adopted connection had done before */
  constructor(record: SocketRecord, flow: FlowWindow, epoch: number) {
    this.startedNanos = record.startedNanos;
    this.flow = flow;
    this.#cgroupId = record.cgroupId;
    this.#processName = record.processName;
    this.#epoch = epoch;
    this.#details = new CountedDetails(record.isAdopted ? record.details : undefined);
    if (!record.isAdopted) return;
    this.state = record.state;
    this.#bytesReceived = record.bytesReceived;
    this.#bytesAcked = record.bytesAcked;
    this.#segmentsIn = record.segmentsIn;
    this.#segmentsOut = record.segmentsOut;
  }

  isUnchanged(record: SocketRecord): boolean {
    return this.#changes === record.changes;
  }

  /** Counts what is new in a live connection's record; `epoch` is the last complete one. */
  count(record: SocketRecord, epoch: number): void {
    this.#countNumbers(record);
    this.#countRoundTrips(record, epoch);
    // Samples of the epoch now running wait for its end, even if nothing else ever happens.
    const more = record.roundTrips(epoch + 1) !== undefined;
    this.#changes = more ? READ_AGAIN : record.changes;
  }

  /** Counts the last record of a connection that has closed. */
  countLast(record: SocketRecord, epoch: number): void {
    this.#countNumbers(record);
    this.#countRoundTrips(record, epoch);
    this.#countRoundTrips(record, epoch + 1);
    const { flow } = this;
    this.#details.count(record.details, flow);
    flow.add(AT.completed, 1);
    flow.add(AT.closed, 1);
    if ((record.ending & SEVERED_CONNECT) !== 0) flow.add(AT.severedConnect, 1);
    if ((record.ending & SEVERED_ESTABLISHED) !== 0) flow.add(AT.severedEstablish, 1);
  }

  /** Counts how far the iterator saw the connection. */
  countProgress(progress: SocketProgress): void {
    this.#processName ||= progress.processName;
    this.#touch();
    this.#moveTo(progress);
    this.#details.count(progress.details, this.flow);
  }

  /** Adds one to the level of the connection's state. */
  countLevel(): void {
    const { state, flow } = this;
    if (state === TCP_STATE.established) flow.add(AT.established, 1);
    else if (state === TCP_STATE.synSent || state === TCP_STATE.synReceived) {
      flow.add(AT.connecting, 1);
    } else flow.add(AT.closing, 1);
  }

  #touch(): void {
    this.flow.touched = true;
    this.flow.own(this.#processName, this.#cgroupId);
  }

  #countNumbers(record: SocketRecord): void {
    const { flow } = this;
    this.#touch();
    this.state = record.state;
    this.#moveTo(record);
    for (const phase of PHASES) {
      // The kernel's counters wrap at 2^32, and so do the differences.
      flow.add(AT.retrans + phase, (record.retrans(phase) - this.#retrans[phase]) >>> 0);
      flow.add(AT.rtos + phase, (record.rtos(phase) - this.#rtos[phase]) >>> 0);
      this.#retrans[phase] = record.retrans(phase);
      this.#rtos[phase] = record.rtos(phase);
    }
    this.#countConnect(record.connectMicros);
  }

  #countConnect(micros: number): void {
    if (this.#connectCounted || micros === 0) return;
    this.#connectCounted = true;
    this.flow.addTimes('connect_us', 1, { min: micros, max: micros, sum: micros });
  }

  #countRoundTrips(record: SocketRecord, epoch: number): void {
    if (((epoch - this.#epoch) | 0) <= 0) return;
    const trips = record.roundTrips(epoch);
    if (trips === undefined) return;
    this.#epoch = epoch;
    this.flow.addTimes('rtt_us', trips.count, trips.rtt);
    this.flow.addTimes('rtt_smoothed_us', trips.count, trips.smoothed);
  }

  #moveTo(to: Pick<SocketProgress, 'bytesReceived' | 'bytesAcked' | 'segmentsIn' | 'segmentsOut'>) {
    const { flow } = this;
    const received = to.bytesReceived - this.#bytesReceived;
    if (received > 0) {
      flow.add(AT.bytesReceived, received);
      this.#bytesReceived = to.bytesReceived;
    }
    const acked = to.bytesAcked - this.#bytesAcked;
    if (acked > 0) {
      flow.add(AT.bytesDelivered, acked);
      this.#bytesAcked = to.bytesAcked;
    }
    // Signed differences modulo 2^32: forward across the wrap, but not back to an older reading.
    const segmentsIn = (to.segmentsIn - this.#segmentsIn) | 0;
    if (segmentsIn > 0) {
      flow.add(AT.segmentsReceived, segmentsIn);
      this.#segmentsIn = to.segmentsIn;
    }
    const segmentsOut = (to.segmentsOut - this.#segmentsOut) | 0;
    if (segmentsOut > 0) {
      flow.add(AT.segmentsDelivered, segmentsOut);
      this.#segmentsOut = to.segmentsOut;
    }
  }
}
