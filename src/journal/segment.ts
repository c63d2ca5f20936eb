import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * A segment file is a sequence of frames. A frame has a payload length (u32), a CRC-32 of length and
 * payload (u32), and the payload, all little-endian. An incomplete frame or a wrong CRC ends the
 * segment. The CRC covers the length so that the zeros that a power cut leaves at the end of a file
 * are not read as empty records.
 */
const FRAME_HEADER = 8;

/** No frame is longer; a greater length means a damaged or foreign file. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

const SEGMENT_NAME = /^(\d{10})\.journal$/;

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(10, '0')}.journal`);
}

export function segmentOfName(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function frameHeader(payload: Uint8Array): Uint8Array {
  const header = Buffer.allocUnsafe(FRAME_HEADER);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32(payload, crc32(header.subarray(0, 4))), 4);
  return header;
}

export function frameLength(payload: Uint8Array): number {
  return FRAME_HEADER + payload.length;
}

export interface Frames {
  readonly payloads: readonly Buffer[];
  /** The offset of the next frame. */
  readonly nextOffset: number;
}

export interface FrameRange {
  readonly offset: number;
  /** Bytes at and beyond this offset are missing or not durable yet. */
  readonly end: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Reads complete frames from `offset`: at least one, however large, when there is one. */
export async function readFrames(file: FileHandle, range: FrameRange): Promise<Frames> {
  let length = Math.min(range.end - range.offset, Math.max(range.maxBytes, FRAME_HEADER));
  let chunk = await readAt(file, range.offset, length);
  const first = chunk.length >= FRAME_HEADER ? chunk.readUInt32LE(0) : 0;
  if (first + FRAME_HEADER > chunk.length && first <= MAX_PAYLOAD) {
    length = Math.min(range.end - range.offset, first + FRAME_HEADER);
    chunk = await readAt(file, range.offset, length);
  }
  return splitFrames(chunk, range);
}

function splitFrames(chunk: Buffer, range: FrameRange): Frames {
  const payloads: Buffer[] = [];
  let at = 0;
  while (payloads.length < range.maxRecords && at + FRAME_HEADER <= chunk.length) {
    const length = chunk.readUInt32LE(at);
    const payload = chunk.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length);
    if (length > MAX_PAYLOAD || payload.length < length) break;
    const lengthCrc = crc32(chunk.subarray(at, at + 4));
    if (crc32(payload, lengthCrc) !== chunk.readUInt32LE(at + 4)) break;
    payloads.push(payload);
    at += FRAME_HEADER + length;
  }
  return { payloads, nextOffset: range.offset + at };
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
