import { DETAILS_LAYOUT } from './socket-details.ts';
import { type StructField, structLayout } from './struct-layout.ts';

/**
 * The structs that the kernel's program writes, in host order (all machines we run on are
 * little-endian), field by field as in bpf/socket-record.h: record-layout.test.ts compares the two.
 */
export const ROUND_TRIPS_FIELDS: readonly StructField[] = [
  ['epoch', 'u32'],
  ['count', 'u32'],
  ['rtt_min', 'u32'],
  ['rtt_max', 'u32'],
  ['rtt_sum', 'u64'],
  ['smoothed_min', 'u32'],
  ['smoothed_max', 'u32'],
  ['smoothed_sum', 'u64'],
  ['padding', 'u8', 24],
];
const roundTrips = structLayout(ROUND_TRIPS_FIELDS);

export const COMMAND_BYTES = 16;

export const RECORD_FIELDS: readonly StructField[] = [
  ['cookie', 'u64'],
  ['started_nanos', 'u64'],
  ['bytes_received', 'u64'],
  ['bytes_acked', 'u64'],
  ['local_address', 'u8', 16],
  ['remote_address', 'u8', 16],
  ['claims', 'u32'],
  ['changes', 'u32'],
  ['segments_in', 'u32'],
  ['segments_out', 'u32'],
  ['total_retrans', 'u32'],
  ['retrans', 'u32', 3],
  ['rtos', 'u32', 3],
  ['connect_micros', 'u32'],
  ['local_port', 'u16'],
  ['remote_port', 'u16'],
  ['side', 'u8'],
  ['state', 'u8'],
  ['ending', 'u8'],
  ['marks', 'u8'],
  ['cgroup', 'u64'],
  ['round_trips', { bytes: roundTrips.bytes }, 2],
  ['details', { bytes: DETAILS_LAYOUT.bytes }],
  ['command', 'u8', COMMAND_BYTES],
  ['refreshed_segments', 'u32'],
];
const record = structLayout(RECORD_FIELDS);

export const PROGRESS_FIELDS: readonly StructField[] = [
  ['cookie', 'u64'],
  ['started_nanos', 'u64'],
  ['bytes_received', 'u64'],
  ['bytes_acked', 'u64'],
  ['segments_in', 'u32'],
  ['segments_out', 'u32'],
  ['details', { bytes: DETAILS_LAYOUT.bytes }],
  ['command', 'u8', COMMAND_BYTES],
];
const progress = structLayout(PROGRESS_FIELDS);

export const RECORD_BYTES = record.bytes;
export const PROGRESS_BYTES = progress.bytes;
export const ROUND_TRIPS_BYTES = roundTrips.bytes;

/** Byte offsets in a record. */
export const RECORD_OFFSET = {
  cookie: record.offsetOf('cookie'),
  startedNanos: record.offsetOf('started_nanos'),
  bytesReceived: record.offsetOf('bytes_received'),
  bytesAcked: record.offsetOf('bytes_acked'),
  localAddress: record.offsetOf('local_address'),
  remoteAddress: record.offsetOf('remote_address'),
  claims: record.offsetOf('claims'),
  changes: record.offsetOf('changes'),
  segmentsIn: record.offsetOf('segments_in'),
  segmentsOut: record.offsetOf('segments_out'),
  retrans: record.offsetOf('retrans'),
  rtos: record.offsetOf('rtos'),
  connectMicros: record.offsetOf('connect_micros'),
  localPort: record.offsetOf('local_port'),
  remotePort: record.offsetOf('remote_port'),
  side: record.offsetOf('side'),
  state: record.offsetOf('state'),
  ending: record.offsetOf('ending'),
  marks: record.offsetOf('marks'),
  cgroupId: record.offsetOf('cgroup'),
  roundTrips: record.offsetOf('round_trips'),
  details: record.offsetOf('details'),
  command: record.offsetOf('command'),
} as const;

/** Byte offsets in the round trips of an epoch. */
export const ROUND_TRIPS_OFFSET = {
  epoch: roundTrips.offsetOf('epoch'),
  count: roundTrips.offsetOf('count'),
  rtt: roundTrips.offsetOf('rtt_min'),
  smoothed: roundTrips.offsetOf('smoothed_min'),
} as const;

/** Byte offsets in a progress. */
export const PROGRESS_OFFSET = {
  cookie: progress.offsetOf('cookie'),
  startedNanos: progress.offsetOf('started_nanos'),
  bytesReceived: progress.offsetOf('bytes_received'),
  bytesAcked: progress.offsetOf('bytes_acked'),
  segmentsIn: progress.offsetOf('segments_in'),
  segmentsOut: progress.offsetOf('segments_out'),
  details: progress.offsetOf('details'),
  command: progress.offsetOf('command'),
} as const;

/** Values of `state` (linux/tcp_states.h). */
export const TCP_STATE = { established: 1, synSent: 2, synReceived: 3, close: 7 } as const;

/** Bits of `ending`. */
export const SEVERED_CONNECT = 1;
export const SEVERED_ESTABLISHED = 2;
/** The connection has closed, but the ring was full: its record stays in the table. */
export const LEFT_IN_TABLE = 4;

/** Bits of `marks`. */
export const ADOPTED = 1;
/** `TRIPS << n` is set when `round_trips[n]` holds samples. */
export const TRIPS = 4;

/** Index of a connection's phase in `retrans` and `rtos`: handshake, established, closing. */
export type Phase = 0 | 1 | 2;
export const PHASES: readonly Phase[] = [0, 1, 2];
