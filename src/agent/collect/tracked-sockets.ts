import { PHASES, TCP_STATE } from '../kernel/record-layout.ts';
import { COUNTER_DETAILS, type SocketDetails } from '../kernel/socket-details.ts';
import type { SocketProgress } from '../kernel/socket-progress.ts';
import type { SocketRecord } from '../kernel/socket-record.ts';
import { addMeasures, countEnd, countTrips } from './count-connection.ts';
import { addSampleTo, addTo, type FlowWindow, VALUE_INDEX } from './flow-window.ts';

const WIDE_DETAILS = COUNTER_DETAILS.filter(({ isWide }) => isWide);
const NARROW_DETAILS = COUNTER_DETAILS.filter(({ isWide }) => !isWide);

/** Indexes of a row's wide numbers: bytes, nanoseconds since boot, milliseconds, microseconds. */
const WIDE = {
  startedNanos: 0,
  bytesReceived: 1,
  bytesAcked: 2,
  cgroupId: 3,
  activeAt: 4,
  /** One for each of `WIDE_DETAILS`. */
  details: 5,
} as const;
const WIDE_LENGTH = WIDE.details + WIDE_DETAILS.length;

/** Indexes of a row's 32-bit numbers. `retrans` and `rtos` take one for each phase. */
const NARROW = {
  state: 0,
  seenAt: 1,
  changes: 2,
  /** 1: the record must be read again even if it has not changed. */
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
const NARROW_LENGTH = NARROW.details + NARROW_DETAILS.length;

/** A connection's row in `TrackedSockets`. */
export type Row = number;

/**
 * Holds the counters of each tracked connection as of the last reading, to count their growth. Bytes
 * and segments come from two sources that are read in either order, the record and the iterator, so
 * a smaller number than the one held is ignored.
 *
 * The numbers are in two arrays with a row for each connection: 150 bytes, against 440 in an object,
 * and no garbage. The arrays have their full length from the start; the kernel allocates their
 * memory when a row is first used.
 */
export class TrackedSockets {
  readonly #wide: Float64Array;
  readonly #narrow: Uint32Array;
  readonly #flows: (FlowWindow | undefined)[] = [];
  /** "" while unknown. */
  readonly #processNames: string[] = [];
  readonly #free: Row[] = [];
  readonly #max: number;

  /** @param max number of rows */
  constructor(max: number) {
    this.#max = max;
    this.#wide = new Float64Array(max * WIDE_LENGTH);
    this.#narrow = new Uint32Array(max * NARROW_LENGTH);
  }

  /** Whether a row is free. */
  get hasRoom(): boolean {
    return this.#free.length > 0 || this.#flows.length < this.#max;
  }

  /**
   * Begins to track a connection; a row must be free.
   *
   * @param record counting begins at 0, or at this record's counters if the connection is adopted
   */
  open(record: SocketRecord, flow: FlowWindow, epoch: number): Row {
    const row = this.#free.pop() ?? this.#flows.length;
    this.#flows[row] = flow;
    this.#processNames[row] = record.processName;
    flow.connections += 1;
    const wide = row * WIDE_LENGTH;
    const narrow = row * NARROW_LENGTH;
    this.#wide.fill(0, wide, wide + WIDE_LENGTH);
    this.#narrow.fill(0, narrow, narrow + NARROW_LENGTH);
    this.#wide[wide + WIDE.startedNanos] = record.startedNanos;
    this.#wide[wide + WIDE.cgroupId] = record.cgroupId;
    this.#narrow[narrow + NARROW.epoch] = epoch;
    this.#narrow[narrow + NARROW.readAgain] = 1;
    if (record.isAdopted) this.#startFrom(row, record);
    return row;
  }

  /** Frees a connection's row. */
  close(row: Row): void {
    this.flow(row).connections -= 1;
    this.#flows[row] = undefined;
    this.#free.push(row);
  }

  flow(row: Row): FlowWindow {
    const flow = this.#flows[row];
    if (flow === undefined) throw new Error('the connection is not tracked');
    return flow;
  }

  startedNanos(row: Row): number {
    return this.#wide[row * WIDE_LENGTH + WIDE.startedNanos] ?? 0;
  }

  /** The time of the last reading that showed a change, in ms of the agent's steady clock. */
  activeAt(row: Row): number {
    return this.#wide[row * WIDE_LENGTH + WIDE.activeAt] ?? 0;
  }

  setActive(row: Row, at: number): void {
    this.#wide[row * WIDE_LENGTH + WIDE.activeAt] = at;
  }

  /** The number of the last pass that showed the connection. */
  seenAt(row: Row): number {
    return this.#narrow[row * NARROW_LENGTH + NARROW.seenAt] ?? 0;
  }

  setSeen(row: Row, pass: number): void {
    this.#narrow[row * NARROW_LENGTH + NARROW.seenAt] = pass;
  }

  isUnchanged(row: Row, record: SocketRecord): boolean {
    const narrow = row * NARROW_LENGTH;
    if (this.#narrow[narrow + NARROW.readAgain] === 1) return false;
    return this.#narrow[narrow + NARROW.changes] === record.changes;
  }

  /** Counts the growth in a live connection's record; `epoch` is the last complete one. */
  count(row: Row, record: SocketRecord, epoch: number): void {
    this.#countNumbers(row, record);
    this.#countRoundTrips(row, record, epoch);
    const narrow = row * NARROW_LENGTH;
    this.#narrow[narrow + NARROW.changes] = record.changes;
    // Samples of the running epoch must be read after its end, even if the record does not change.
    const more = record.roundTrips(epoch + 1) !== undefined;
    this.#narrow[narrow + NARROW.readAgain] = more ? 1 : 0;
  }

  /** Counts the last record of a closed connection. */
  countLast(row: Row, record: SocketRecord, epoch: number): void {
    this.#countNumbers(row, record);
    this.#countRoundTrips(row, record, epoch);
    this.#countRoundTrips(row, record, epoch + 1);
    const values = this.flow(row).touch();
    this.#countDetails(row, values, record.details);
    countEnd(values, record);
  }

  /** Counts the growth in a connection's progress. */
  countProgress(row: Row, progress: SocketProgress): void {
    this.#processNames[row] ||= progress.processName;
    const values = this.#touch(row);
    this.#moveTo(row, values, progress);
    this.#countDetails(row, values, progress.details);
  }

  /** Adds one to the level of the connection's state. */
  countLevel(row: Row): void {
    const state = this.#narrow[row * NARROW_LENGTH + NARROW.state];
    const values = this.flow(row).touch();
    if (state === TCP_STATE.established) addTo(values, VALUE_INDEX.established, 1);
    else if (state === TCP_STATE.synSent || state === TCP_STATE.synReceived) {
      addTo(values, VALUE_INDEX.connecting, 1);
    } else addTo(values, VALUE_INDEX.closing, 1);
  }

  #startFrom(row: Row, record: SocketRecord): void {
    const wide = row * WIDE_LENGTH;
    const narrow = row * NARROW_LENGTH;
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

  #touch(row: Row): Float64Array {
    const flow = this.flow(row);
    flow.setOwner(
      this.#processNames[row] ?? '',
      this.#wide[row * WIDE_LENGTH + WIDE.cgroupId] ?? 0,
    );
    return flow.touch();
  }

  #countNumbers(row: Row, record: SocketRecord): void {
    const narrow = row * NARROW_LENGTH;
    const values = this.#touch(row);
    this.#narrow[narrow + NARROW.state] = record.state;
    this.#moveTo(row, values, record);
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

  /** Replaces a counter and returns its growth, modulo 2^32 as the kernel's counters wrap. */
  #replace(index: number, value: number): number {
    const grown = (value - (this.#narrow[index] ?? 0)) >>> 0;
    this.#narrow[index] = value;
    return grown;
  }

  #countRoundTrips(row: Row, record: SocketRecord, epoch: number): void {
    const index = row * NARROW_LENGTH + NARROW.epoch;
    if (((epoch - (this.#narrow[index] ?? 0)) | 0) <= 0) return;
    if (countTrips(this.flow(row).touch(), record, epoch)) this.#narrow[index] = epoch;
  }

  #moveTo(
    row: Row,
    values: Float64Array,
    to: Pick<SocketProgress, 'bytesReceived' | 'bytesAcked' | 'segmentsIn' | 'segmentsOut'>,
  ): void {
    const wide = row * WIDE_LENGTH;
    const narrow = row * NARROW_LENGTH;
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
   * Adds the growth of the socket's counters and one sample of each measure. So a connection gives a
   * sample at each report in whose window it was active, and one at its end.
   */
  #countDetails(row: Row, values: Float64Array, details: SocketDetails): void {
    let wide = row * WIDE_LENGTH + WIDE.details;
    for (const { detail, value } of WIDE_DETAILS) {
      addTo(values, value, this.#advanceWide(wide, details[detail] ?? 0));
      wide += 1;
    }
    let narrow = row * NARROW_LENGTH + NARROW.details;
    for (const { detail, value } of NARROW_DETAILS) {
      addTo(values, value, this.#advance(narrow, details[detail] ?? 0));
      narrow += 1;
    }
    addMeasures(values, details);
  }

  #advanceWide(index: number, to: number): number {
    const grown = to - (this.#wide[index] ?? 0);
    if (grown <= 0) return 0;
    this.#wide[index] = to;
    return grown;
  }

  /** The signed difference modulo 2^32 moves forward across a wrap, but not back to an older reading. */
  #advance(index: number, to: number): number {
    const grown = (to - (this.#narrow[index] ?? 0)) | 0;
    if (grown <= 0) return 0;
    this.#narrow[index] = to;
    return grown;
  }
}
