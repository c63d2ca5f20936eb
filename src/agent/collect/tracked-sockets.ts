import { PHASES, TCP_STATE } from '../kernel/record-layout.ts';
import { COUNTER_DETAILS, type SocketDetails } from '../kernel/socket-details.ts';
import type { SocketProgress } from '../kernel/socket-progress.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { addMeasures, countEnd, countTrips } from './count-connection.ts';
import { addSampleTo, addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';

const WIDE_DETAILS = COUNTER_DETAILS.filter(({ isWide }) => isWide);
const NARROW_DETAILS = COUNTER_DETAILS.filter(({ isWide }) => !isWide);

/** Places of a slot's wide numbers: bytes, nanoseconds since boot, milliseconds, microseconds. */
const WIDE = {
  startedNanos: 0,
  bytesReceived: 1,
  bytesAcked: 2,
  cgroupId: 3,
  activeAt: 4,
  /** One for each of `WIDE_DETAILS`. */
  details: 5,
} as const;
const WIDE_PLACES = WIDE.details + WIDE_DETAILS.length;

/** Places of a slot's 32-bit numbers; `retrans` and `rtos` take one a phase. */
const NARROW = {
  state: 0,
  seenAt: 1,
  changes: 2,
  /** 1: to be read again whether it changed or not. */
  readAgain: 3,
  segmentsIn: 4,
  segmentsOut: 5,
  retrans: 6,
  rtos: 9,
  connectCounted: 12,
  /** The last epoch whose round trips were counted. */
  epoch: 13,
  /** One for each of `NARROW_DETAILS`. */
  details: 14,
} as const;
const NARROW_PLACES = NARROW.details + NARROW_DETAILS.length;

/** A connection's place in `TrackedSockets`. */
export type Slot = number;

/**
 * How far each connection has been counted. Bytes and segments come from two places that may be
 * read in either order (the record and the iterator), so they only ever move forward.
 *
 * Numbers in two arrays, a row a connection: 150 bytes instead of the 440 that an object took, and
 * no garbage for a connection that is met at its end. The arrays have room for all from the start;
 * the kernel gives their memory when a row is first used.
 */
export class TrackedSockets {
  readonly #wide: Float64Array;
  readonly #narrow: Uint32Array;
  readonly #flows: (FlowWindow | undefined)[] = [];
  /** "" until it is known. */
  readonly #processNames: string[] = [];
  readonly #free: Slot[] = [];
  readonly #max: number;

  /** @param most connections at a time */
  constructor(max: number) {
    this.#max = max;
    this.#wide = new Float64Array(max * WIDE_PLACES);
    this.#narrow = new Uint32Array(max * NARROW_PLACES);
  }

  /** Whether another one can be opened. */
  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#flows.length < this.#max;
  }

  /**
   * Begins to count a connection; there must be room.
   *
   * @param record where to count from: nothing, or what an adopted connection had done before
   */
  open(record: SocketRecord, flow: FlowWindow, epoch: number): Slot {
    const slot = this.#free.pop() ?? this.#flows.length;
    this.#flows[slot] = flow;
    this.#processNames[slot] = record.processName;
    flow.connections += 1;
    const wide = slot * WIDE_PLACES;
    const narrow = slot * NARROW_PLACES;
    this.#wide.fill(0, wide, wide + WIDE_PLACES);
    this.#narrow.fill(0, narrow, narrow + NARROW_PLACES);
    this.#wide[wide + WIDE.startedNanos] = record.startedNanos;
    this.#wide[wide + WIDE.cgroupId] = record.cgroupId;
    this.#narrow[narrow + NARROW.epoch] = epoch;
    this.#narrow[narrow + NARROW.readAgain] = 1;
    if (record.isAdopted) this.#startFrom(slot, record);
    return slot;
  }

  /** Forgets a connection. */
  close(slot: Slot): void {
    this.flow(slot).connections -= 1;
    this.#flows[slot] = undefined;
    this.#free.push(slot);
  }

  flow(slot: Slot): FlowWindow {
    const flow = this.#flows[slot];
    if (flow === undefined) throw new Error('the connection is not tracked');
    return flow;
  }

  startedNanos(slot: Slot): number {
    return this.#wide[slot * WIDE_PLACES + WIDE.startedNanos] ?? 0;
  }

  /** Milliseconds of the agent's steady clock at the last reading that showed something new. */
  activeAt(slot: Slot): number {
    return this.#wide[slot * WIDE_PLACES + WIDE.activeAt] ?? 0;
  }

  setActive(slot: Slot, at: number): void {
    this.#wide[slot * WIDE_PLACES + WIDE.activeAt] = at;
  }

  /** The last reading of the table that showed it. */
  seenAt(slot: Slot): number {
    return this.#narrow[slot * NARROW_PLACES + NARROW.seenAt] ?? 0;
  }

  setSeen(slot: Slot, pass: number): void {
    this.#narrow[slot * NARROW_PLACES + NARROW.seenAt] = pass;
  }

  isUnchanged(slot: Slot, record: SocketRecord): boolean {
    const narrow = slot * NARROW_PLACES;
    if (this.#narrow[narrow + NARROW.readAgain] === 1) return false;
    return this.#narrow[narrow + NARROW.changes] === record.changes;
  }

  /** Counts what is new in a live connection's record; `epoch` is the last complete one. */
  count(slot: Slot, record: SocketRecord, epoch: number): void {
    this.#countNumbers(slot, record);
    this.#countRoundTrips(slot, record, epoch);
    const narrow = slot * NARROW_PLACES;
    this.#narrow[narrow + NARROW.changes] = record.changes;
    // Samples of the epoch now running wait for its end, even if nothing else ever happens.
    const more = record.roundTrips(epoch + 1) !== undefined;
    this.#narrow[narrow + NARROW.readAgain] = more ? 1 : 0;
  }

  /** Counts the last record of a connection that has closed. */
  countLast(slot: Slot, record: SocketRecord, epoch: number): void {
    this.#countNumbers(slot, record);
    this.#countRoundTrips(slot, record, epoch);
    this.#countRoundTrips(slot, record, epoch + 1);
    const values = this.flow(slot).touch();
    this.#countDetails(slot, values, record.details);
    countEnd(values, record);
  }

  /** Counts how far the iterator saw the connection. */
  countProgress(slot: Slot, progress: SocketProgress): void {
    this.#processNames[slot] ||= progress.processName;
    const values = this.#touch(slot);
    this.#moveTo(slot, values, progress);
    this.#countDetails(slot, values, progress.details);
  }

  /** Adds one to the level of the connection's state. */
  countLevel(slot: Slot): void {
    const state = this.#narrow[slot * NARROW_PLACES + NARROW.state];
    const values = this.flow(slot).touch();
    if (state === TCP_STATE.established) addTo(values, VALUE_INDEX.established, 1);
    else if (state === TCP_STATE.synSent || state === TCP_STATE.synReceived) {
      addTo(values, VALUE_INDEX.connecting, 1);
    } else addTo(values, VALUE_INDEX.closing, 1);
  }

  #startFrom(slot: Slot, record: SocketRecord): void {
    const wide = slot * WIDE_PLACES;
    const narrow = slot * NARROW_PLACES;
    const { details } = record;
    this.#narrow[narrow + NARROW.state] = record.state;
    this.#wide[wide + WIDE.bytesReceived] = record.bytesReceived;
    this.#wide[wide + WIDE.bytesAcked] = record.bytesAcked;
    this.#narrow[narrow + NARROW.segmentsIn] = record.segmentsIn;
    this.#narrow[narrow + NARROW.segmentsOut] = record.segmentsOut;
    for (const [i, { detail }] of WIDE_DETAILS.entries()) {
      this.#wide[wide + WIDE.details + i] = details[detail] ?? 0;
    }
    for (const [i, { detail }] of NARROW_DETAILS.entries()) {
      this.#narrow[narrow + NARROW.details + i] = details[detail] ?? 0;
    }
  }

  #touch(slot: Slot): Float64Array {
    const flow = this.flow(slot);
    flow.own(this.#processNames[slot] ?? '', this.#wide[slot * WIDE_PLACES + WIDE.cgroupId] ?? 0);
    return flow.touch();
  }

  #countNumbers(slot: Slot, record: SocketRecord): void {
    const narrow = slot * NARROW_PLACES;
    const values = this.#touch(slot);
    this.#narrow[narrow + NARROW.state] = record.state;
    this.#moveTo(slot, values, record);
    for (const phase of PHASES) {
      const retrans = this.#replace(narrow + NARROW.retrans + phase, record.retrans(phase));
      if (retrans > 0) addTo(values, VALUE_INDEX.retrans + phase, retrans);
      const rtos = this.#replace(narrow + NARROW.rtos + phase, record.rtos(phase));
      if (rtos > 0) addTo(values, VALUE_INDEX.rtos + phase, rtos);
    }
    const micros = record.connectMicros;
    if (micros === 0 || this.#narrow[narrow + NARROW.connectCounted] === 1) return;
    this.#narrow[narrow + NARROW.connectCounted] = 1;
    addSampleTo(values, VALUE_INDEX.connectTimes, micros);
  }

  /** By how much it grew: the kernel's counters wrap at 2^32, and so do the differences. */
  #replace(place: number, value: number): number {
    const grown = (value - (this.#narrow[place] ?? 0)) >>> 0;
    this.#narrow[place] = value;
    return grown;
  }

  #countRoundTrips(slot: Slot, record: SocketRecord, epoch: number): void {
    const place = slot * NARROW_PLACES + NARROW.epoch;
    if (((epoch - (this.#narrow[place] ?? 0)) | 0) <= 0) return;
    if (countTrips(this.flow(slot).touch(), record, epoch)) this.#narrow[place] = epoch;
  }

  #moveTo(
    slot: Slot,
    values: Float64Array,
    to: Pick<SocketProgress, 'bytesReceived' | 'bytesAcked' | 'segmentsIn' | 'segmentsOut'>,
  ): void {
    const wide = slot * WIDE_PLACES;
    const narrow = slot * NARROW_PLACES;
    addTo(
      values,
      VALUE_INDEX.bytesReceived,
      this.#advanceWide(wide + WIDE.bytesReceived, to.bytesReceived),
    );
    addTo(
      values,
      VALUE_INDEX.bytesDelivered,
      this.#advanceWide(wide + WIDE.bytesAcked, to.bytesAcked),
    );
    addTo(
      values,
      VALUE_INDEX.segmentsReceived,
      this.#advance(narrow + NARROW.segmentsIn, to.segmentsIn),
    );
    addTo(
      values,
      VALUE_INDEX.segmentsDelivered,
      this.#advance(narrow + NARROW.segmentsOut, to.segmentsOut),
    );
  }

  /**
   * Adds what is new, and one sample of each measure: a connection gives one at every report in
   * whose window it moved, and one at its end.
   */
  #countDetails(slot: Slot, values: Float64Array, details: SocketDetails): void {
    let wide = slot * WIDE_PLACES + WIDE.details;
    for (const { detail, value } of WIDE_DETAILS) {
      addTo(values, value, this.#advanceWide(wide, details[detail] ?? 0));
      wide += 1;
    }
    let narrow = slot * NARROW_PLACES + NARROW.details;
    for (const { detail, value } of NARROW_DETAILS) {
      addTo(values, value, this.#advance(narrow, details[detail] ?? 0));
      narrow += 1;
    }
    addMeasures(values, details);
  }

  #advanceWide(place: number, to: number): number {
    const grown = to - (this.#wide[place] ?? 0);
    if (grown <= 0) return 0;
    this.#wide[place] = to;
    return grown;
  }

  /** A signed difference modulo 2^32: forward across the wrap, but not back to an older reading. */
  #advance(place: number, to: number): number {
    const grown = (to - (this.#narrow[place] ?? 0)) | 0;
    if (grown <= 0) return 0;
    this.#narrow[place] = to;
    return grown;
  }
}
