import { crc32 } from 'node:zlib';
import type { EncodedReport } from './endpoint.ts';

/**
 * Format of a report's file, little-endian: "nfm1", flags (u32, bit 0: gzip), length of the body
 * (u32), CRC-32 of these and the body (u32), and the body as it is sent.
 */
const MAGIC = 0x316d_666e;
const HEADER_BYTES = 16;
const IS_GZIP = 1;

/** The report's number, in the order in which reports are made, and its count of dropped reports. */
export interface SpoolName {
  readonly number: number;
  readonly droppedBefore: number;
}

const NAME = /^(\d{12})\.(\d+)\.report$/;

export function spoolFileName({ number, droppedBefore }: SpoolName): string {
  return `${String(number).padStart(12, '0')}.${droppedBefore}.report`;
}

export function parseSpoolName(name: string): SpoolName | undefined {
  const [, number, droppedBefore] = NAME.exec(name) ?? [];
  return number === undefined
    ? undefined
    : { number: Number(number), droppedBefore: Number(droppedBefore) };
}

/** The size of a report's file. */
export function spoolFileBytes(report: EncodedReport): number {
  return HEADER_BYTES + report.bytes.length;
}

export function encodeSpoolFile({ bytes, isGzip }: EncodedReport): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(isGzip ? IS_GZIP : 0, 4);
  header.writeUInt32LE(bytes.length, 8);
  header.writeUInt32LE(checksum(header, bytes), 12);
  return Buffer.concat([header, bytes]);
}

/** Decodes a report's file; undefined when it is damaged or incomplete. */
export function decodeSpoolFile(file: Buffer): EncodedReport | undefined {
  if (file.length < HEADER_BYTES || file.readUInt32LE(0) !== MAGIC) return undefined;
  const bytes = file.subarray(HEADER_BYTES);
  if (file.readUInt32LE(8) !== bytes.length) return undefined;
  if (file.readUInt32LE(12) !== checksum(file, bytes)) return undefined;
  return { bytes, isGzip: (file.readUInt32LE(4) & IS_GZIP) !== 0 };
}

function checksum(header: Buffer, bytes: Uint8Array): number {
  return crc32(bytes, crc32(header.subarray(0, 12)));
}
