import type { SocketDetails } from './socket-record.ts';

/** What struct tcp_info says (linux/tcp.h; it grows at its end from kernel to kernel). */
export interface TcpInfo {
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly totalRetrans: number;
  /** 0 where the kernel does not say. */
  readonly totalRtos: number;
  readonly smoothedRttMicros: number;
  readonly details: SocketDetails;
}

/** With bytes and segments: Linux 4.6. */
const MIN_BYTES = 160;

/** Where what came later ends: without it the kernel does not know. */
export const TCP_INFO_BYTES = { details: 228, totalRtos: 242 } as const;

/** Undefined when it is too short to say anything. */
export function readTcpInfo(bytes: Buffer, start: number, end: number): TcpInfo | undefined {
  const length = end - start;
  if (length < MIN_BYTES) return undefined;
  const uint32 = (at: number): number => (at + 4 <= length ? bytes.readUInt32LE(start + at) : 0);
  const uint64 = (at: number): number => uint32(at) + uint32(at + 4) * 0x1_0000_0000;
  const minRtt = uint32(148);
  return {
    bytesAcked: uint64(120),
    bytesReceived: uint64(128),
    segmentsIn: uint32(152),
    segmentsOut: uint32(156),
    totalRetrans: uint32(100),
    totalRtos: length >= TCP_INFO_BYTES.totalRtos ? bytes.readUInt16LE(start + 240) : 0,
    smoothedRttMicros: uint32(68),
    details: {
      deliveryRate: uint64(160),
      busyMicros: uint64(168),
      rwndLimitedMicros: uint64(176),
      sndbufLimitedMicros: uint64(184),
      segmentsCe: uint32(196),
      dsacks: uint32(216),
      reorderings: uint32(220),
      segmentsOutOfOrder: uint32(224),
      minRttMicros: minRtt === 0xffff_ffff ? 0 : minRtt,
    },
  };
}
