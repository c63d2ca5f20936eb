import type { Samples } from '../../model/flow-metrics.ts';
import {
  ADOPTED,
  PHASES,
  RECORD_BYTES,
  RECORD_OFFSET,
  ROUND_TRIPS_BYTES,
  ROUND_TRIPS_OFFSET,
  TRIPS,
} from './record-layout.ts';
import { type SocketDetails, writeDetails } from './socket-details.ts';
import type { RoundTrips } from './socket-record.ts';

type RoundTripsOfEpoch = RoundTrips & { readonly epoch: number };

/** The contents of a record; an absent field is 0. Addresses have 16 bytes, v4 as v4-mapped. */
export interface SocketRecordFields {
  readonly cookie: number;
  readonly startedNanos: number;
  readonly bytesReceived?: number;
  readonly bytesAcked?: number;
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly changes?: number;
  readonly segmentsIn?: number;
  readonly segmentsOut?: number;
  readonly retrans?: readonly [number, number, number];
  readonly rtos?: readonly [number, number, number];
  readonly connectMicros?: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly isServer: boolean;
  readonly state: number;
  readonly ending?: number;
  readonly isAdopted?: boolean;
  readonly details?: SocketDetails;
  readonly cgroupId?: number;
  readonly processName?: string;
  readonly roundTrips?: readonly RoundTripsOfEpoch[];
}

/** Writes a record as the program in the kernel does, in all its `RECORD_BYTES`. */
export function writeRecord(view: DataView, fields: SocketRecordFields, jiffyMicros: number): void {
  const bytes = Buffer.from(view.buffer, view.byteOffset, RECORD_BYTES).fill(0);
  const uint32 = (offset: number, value = 0): void => view.setUint32(offset, value, true);
  const uint64 = (offset: number, value = 0): void =>
    view.setBigUint64(offset, BigInt(value), true);
  uint64(RECORD_OFFSET.cookie, fields.cookie);
  uint64(RECORD_OFFSET.startedNanos, fields.startedNanos);
  uint64(RECORD_OFFSET.bytesReceived, fields.bytesReceived);
  uint64(RECORD_OFFSET.bytesAcked, fields.bytesAcked);
  bytes.set(fields.localAddress, RECORD_OFFSET.localAddress);
  bytes.set(fields.remoteAddress, RECORD_OFFSET.remoteAddress);
  uint32(RECORD_OFFSET.changes, fields.changes);
  uint32(RECORD_OFFSET.segmentsIn, fields.segmentsIn);
  uint32(RECORD_OFFSET.segmentsOut, fields.segmentsOut);
  for (const phase of PHASES) {
    uint32(RECORD_OFFSET.retrans + phase * 4, fields.retrans?.[phase]);
    uint32(RECORD_OFFSET.rtos + phase * 4, fields.rtos?.[phase]);
  }
  uint32(RECORD_OFFSET.connectMicros, fields.connectMicros);
  view.setUint16(RECORD_OFFSET.localPort, fields.localPort, true);
  view.setUint16(RECORD_OFFSET.remotePort, fields.remotePort, true);
  view.setUint8(RECORD_OFFSET.side, fields.isServer ? 1 : 0);
  view.setUint8(RECORD_OFFSET.state, fields.state);
  view.setUint8(RECORD_OFFSET.ending, fields.ending ?? 0);
  view.setUint8(RECORD_OFFSET.marks, fields.isAdopted ? ADOPTED : 0);
  uint64(RECORD_OFFSET.cgroupId, fields.cgroupId);
  for (const trips of fields.roundTrips ?? []) writeRoundTrips(view, trips);
  if (fields.details !== undefined) {
    const at = view.byteOffset + RECORD_OFFSET.details;
    writeDetails(new DataView(view.buffer, at), fields.details, jiffyMicros);
  }
  bytes.write(fields.processName ?? '', RECORD_OFFSET.command);
}

function writeRoundTrips(view: DataView, { epoch, rtt, smoothed }: RoundTripsOfEpoch): void {
  const at = RECORD_OFFSET.roundTrips + (epoch & 1) * ROUND_TRIPS_BYTES;
  const marks = view.getUint8(RECORD_OFFSET.marks) | (TRIPS << (epoch & 1));
  view.setUint8(RECORD_OFFSET.marks, marks);
  view.setUint32(at + ROUND_TRIPS_OFFSET.epoch, epoch, true);
  view.setUint32(at + ROUND_TRIPS_OFFSET.count, rtt.count, true);
  writeTimes(view, at + ROUND_TRIPS_OFFSET.rtt, rtt);
  writeTimes(view, at + ROUND_TRIPS_OFFSET.smoothed, smoothed);
}

function writeTimes(view: DataView, at: number, { min, max, sum }: Samples): void {
  view.setUint32(at, min, true);
  view.setUint32(at + 4, max, true);
  view.setBigUint64(at + 8, BigInt(sum), true);
}
