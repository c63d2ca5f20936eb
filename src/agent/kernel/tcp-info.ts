import type { PlainMetric } from '../../model/flow-metrics.ts';
import { PLAIN_TABLE, type PlainDescription } from '../../model/metric-table.ts';
import { detailsOfTcpInfo, type SocketDetails } from './socket-details.ts';

/** The part of `struct tcp_info` we use (linux/tcp.h; it grows at its end from kernel to kernel). */
export interface TcpInfo {
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly totalRetrans: number;
  /** 0 when the kernel does not give it. */
  readonly totalRtos: number;
  readonly smoothedRttMicros: number;
  readonly details: SocketDetails;
}

/** The size of `tcp_info` since Linux 4.6, the first with bytes and segments. */
const MIN_BYTES = 160;

const TOTAL_RTOS = 240;
const TOTAL_RTOS_END = 242;

/** Undefined when it is too short to have bytes and segments. */
export function readTcpInfo(bytes: Buffer, start: number, end: number): TcpInfo | undefined {
  const length = end - start;
  if (length < MIN_BYTES) return undefined;
  const uint32 = (at: number): number => (at + 4 <= length ? bytes.readUInt32LE(start + at) : 0);
  const uint64 = (at: number): number => uint32(at) + uint32(at + 4) * 0x1_0000_0000;
  return {
    bytesAcked: uint64(120),
    bytesReceived: uint64(128),
    segmentsIn: uint32(152),
    segmentsOut: uint32(156),
    totalRetrans: uint32(100),
    totalRtos: length >= TOTAL_RTOS_END ? bytes.readUInt16LE(start + TOTAL_RTOS) : 0,
    smoothedRttMicros: uint32(68),
    details: detailsOfTcpInfo(({ offset, bits }) =>
      bits === 64 ? uint64(offset) : uint32(offset),
    ),
  };
}

const PLAIN: readonly PlainDescription<PlainMetric>[] = PLAIN_TABLE;
const endOf = ({ socket }: PlainDescription): number =>
  socket?.tcpInfo === undefined
    ? Number.POSITIVE_INFINITY
    : socket.tcpInfo.offset + socket.tcpInfo.bits / 8;
const isKnownWithBusy = ({ name, isZeroImplied }: PlainDescription): boolean =>
  name === 'busy_us' || isZeroImplied === true;

/**
 * The server takes a report with `busy_us` to have zeros for the metrics that it leaves out. So
 * `busy_us` is known only if `tcp_info` has all of those.
 */
const BUSY_END = Math.max(...PLAIN.filter(isKnownWithBusy).map(endOf));

/** The metrics that a `tcp_info` of so many bytes does not have. */
export function metricsBeyondTcpInfo(bytes: number): readonly PlainMetric[] {
  return PLAIN.filter((metric) => {
    if (isKnownWithBusy(metric)) return bytes < BUSY_END;
    return bytes < (metric.socket === undefined ? (metric.netlinkBytes ?? 0) : endOf(metric));
  }).map(({ name }) => name);
}
