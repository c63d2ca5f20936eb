import { crc32 } from 'node:zlib';
import type { EncodedReport } from './endpoint.ts';

/**
 * A report in a file of its own: "nfm1", flags (u32, bit 0: gzip), length of the body (u32), CRC-32
 * of all that and the body (u32), the body as it is sent; little-endian.
 */
const MAGIC = 0x316d_666e;
const HEADER_BYTES = 16;
const IS_GZIP = 1;

/** Number in the order of making, and how many dropped reports this one tells of. */
export interface SpoolName {
  readonly number: number;
  readonly tells: number;
}

const NAME = /^(\d{12})\.(\d+)\.report$/;

export function spoolFileName({ number, tells }: SpoolName): string {
  return `${String(number).padStart(12, '0')}.${tells}.report`;
}

export function parseSpoolName(name: string): SpoolName | undefined {
  const [, number, tells] = NAME.exec(name) ?? [];
  return number === undefined ? undefined : { number: Number(number), tells: Number(tells) };
}

/** How long a report's file is. */
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

/** The report in a file's bytes; undefined when they are not, or not all, what was written. */
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
