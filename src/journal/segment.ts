import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * A segment file is a header and a run of frames. Integers are little-endian.
 *
 * Header, twice: magic (8 bytes), marker (8 random bytes), CRC-32 of both (u32), zeros (u32).
 * Frame: marker (8), index of the record in the segment (u32), payload length (u32), CRC-32 of
 * index, length and payload (u32), payload.
 *
 * The marker lets a reader find the next frame after a damaged one. It is random, so that no sender
 * can forge a frame inside a report. Segments of earlier versions have no header, and their frames
 * are payload length (u32), CRC-32 of length and payload (u32), payload.
 */
export interface SegmentFormat {
  readonly headerBytes: number;
  /** Undefined in segments of earlier versions. */
  readonly marker: Buffer | undefined;
}

/** The format of segments of earlier versions. */
export const UNMARKED: SegmentFormat = { headerBytes: 0, marker: undefined };

const MAGIC = Buffer.from('NFMJRNL2');
const MARKER_BYTES = 8;
const HEADER_COPY_BYTES = 24;
const HEADER_BYTES = 2 * HEADER_COPY_BYTES;
const FRAME_HEADER = MARKER_BYTES + 12;
const UNMARKED_FRAME_HEADER = 8;

/** No frame is longer; a greater length means damage. */
const MAX_PAYLOAD = 64 * 1024 * 1024;

const SEARCH_BYTES = 1024 * 1024;

const SEGMENT_NAME = /^(\d{10})\.journal$/;

export function segmentPath(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(10, '0')}.journal`);
}

export function segmentOfName(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Encodes the header of a new segment. Its frames start with the marker, 8 random bytes. */
export function segmentHeader(marker: Uint8Array): Buffer {
  const copy = Buffer.alloc(HEADER_COPY_BYTES);
  copy.set(MAGIC, 0);
  copy.set(marker, MAGIC.length);
  copy.writeUInt32LE(crc32(copy.subarray(0, 16)), 16);
  return Buffer.concat([copy, copy]);
}

export function markedFormat(marker: Uint8Array): SegmentFormat {
  return { headerBytes: HEADER_BYTES, marker: Buffer.from(marker) };
}

/** Reads the format of a segment file from either copy of its header. */
export async function readFormat(file: FileHandle): Promise<SegmentFormat> {
  const header = await readAt(file, 0, HEADER_BYTES);
  for (const start of [0, HEADER_COPY_BYTES]) {
    const copy = header.subarray(start, start + HEADER_COPY_BYTES);
    const isWhole =
      copy.length === HEADER_COPY_BYTES &&
      copy.subarray(0, MAGIC.length).equals(MAGIC) &&
      copy.readUInt32LE(16) === crc32(copy.subarray(0, 16));
    if (isWhole) return markedFormat(copy.subarray(MAGIC.length, MAGIC.length + MARKER_BYTES));
  }
  return UNMARKED;
}

/** Encodes the header of a frame. */
export function frameHeader(format: SegmentFormat, index: number, payload: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER);
  header.set(format.marker ?? [], 0);
  header.writeUInt32LE(index, MARKER_BYTES);
  header.writeUInt32LE(payload.length, MARKER_BYTES + 4);
  const checked = header.subarray(MARKER_BYTES, MARKER_BYTES + 8);
  header.writeUInt32LE(crc32(payload, crc32(checked)), MARKER_BYTES + 8);
  return header;
}

/** Size of the frame of a payload in a segment of this version. */
export function frameLength(payload: Uint8Array): number {
  return FRAME_HEADER + payload.length;
}

/** A complete record of a segment. Offsets exclude the segment's header. */
export interface SegmentRecord {
  readonly index: number;
  readonly payload: Buffer;
  /** Offset of the next frame. */
  readonly end: number;
}

export interface FrameRange {
  /** Index and offset of the first frame to read. */
  readonly index: number;
  readonly offset: number;
  /** Bytes at and beyond this offset are missing or not durable yet. */
  readonly end: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** The result of reading at an offset: complete records, or damaged bytes. */
export type Frames =
  | { readonly status: 'whole'; readonly records: readonly SegmentRecord[] }
  /** `to` and `index` are those of the next complete frame; `to` is `end` when there is none. */
  | { readonly status: 'damaged'; readonly to: number; readonly index: number };

/** Reads complete frames from `offset` up to the first damaged one; at least one, however large. */
export async function readFrames(
  file: FileHandle,
  format: SegmentFormat,
  range: FrameRange,
): Promise<Frames> {
  const header = frameHeaderBytes(format);
  let length = Math.min(range.end - range.offset, Math.max(range.maxBytes, header));
  let chunk = await readAt(file, format.headerBytes + range.offset, length);
  const first = payloadLength(chunk, 0, format);
  if (first !== undefined && header + first > chunk.length) {
    length = Math.min(range.end - range.offset, header + first);
    chunk = await readAt(file, format.headerBytes + range.offset, length);
  }
  const records = splitFrames(chunk, format, range);
  if (records.length > 0) return { status: 'whole', records };
  const next = await nextFrame(file, format, range);
  return { status: 'damaged', ...next };
}

function splitFrames(chunk: Buffer, format: SegmentFormat, range: FrameRange): SegmentRecord[] {
  const records: SegmentRecord[] = [];
  let { index } = range;
  let at = 0;
  while (records.length < range.maxRecords) {
    const frame = wholeFrame(chunk, at, format);
    if (frame === undefined) break;
    at += frameHeaderBytes(format) + frame.payload.length;
    index = frame.index ?? index;
    records.push({ index, payload: frame.payload, end: range.offset + at });
    index += 1;
  }
  return records;
}

interface WholeFrame {
  /** Undefined in segments of earlier versions. */
  readonly index: number | undefined;
  readonly payload: Buffer;
}

function wholeFrame(chunk: Buffer, at: number, format: SegmentFormat): WholeFrame | undefined {
  const length = payloadLength(chunk, at, format);
  if (length === undefined) return undefined;
  const start = at + frameHeaderBytes(format);
  const payload = chunk.subarray(start, start + length);
  if (payload.length < length) return undefined;
  const { marker } = format;
  const checked = chunk.subarray(at + (marker?.length ?? 0), start - 4);
  if (crc32(payload, crc32(checked)) !== chunk.readUInt32LE(start - 4)) return undefined;
  return { index: marker && chunk.readUInt32LE(at + marker.length), payload };
}

/** Returns undefined when the bytes are not a frame header. */
function payloadLength(chunk: Buffer, at: number, format: SegmentFormat): number | undefined {
  if (at + frameHeaderBytes(format) > chunk.length) return undefined;
  const { marker } = format;
  if (marker && !chunk.subarray(at, at + marker.length).equals(marker)) return undefined;
  const length = chunk.readUInt32LE(at + (marker ? marker.length + 4 : 0));
  return length > MAX_PAYLOAD ? undefined : length;
}

function frameHeaderBytes({ marker }: SegmentFormat): number {
  return marker === undefined ? UNMARKED_FRAME_HEADER : FRAME_HEADER;
}

interface NextFrame {
  readonly to: number;
  readonly index: number;
}

/** Finds the first complete frame after the damaged one at `range.offset`. */
function nextFrame(file: FileHandle, format: SegmentFormat, range: FrameRange): Promise<NextFrame> {
  return format.marker === undefined
    ? skipOneFrame(file, range)
    : searchMarker(file, { format, marker: format.marker, range });
}

/** Without markers only the length of the damaged frame leads to the next one. */
async function skipOneFrame(file: FileHandle, range: FrameRange): Promise<NextFrame> {
  const none = { to: range.end, index: range.index + 1 };
  const header = await readAt(file, range.offset, UNMARKED_FRAME_HEADER);
  const length = payloadLength(header, 0, UNMARKED);
  if (length === undefined) return none;
  const to = range.offset + UNMARKED_FRAME_HEADER + length;
  const found = to < range.end && (await frameAt(file, UNMARKED, { offset: to, end: range.end }));
  return found ? { to, index: range.index + 1 } : none;
}

interface MarkerSearch {
  readonly format: SegmentFormat;
  readonly marker: Buffer;
  readonly range: FrameRange;
}

async function searchMarker(
  file: FileHandle,
  { format, marker, range }: MarkerSearch,
): Promise<NextFrame> {
  let from = range.offset + 1;
  while (from < range.end) {
    const length = Math.min(SEARCH_BYTES, range.end - from);
    const chunk = await readAt(file, format.headerBytes + from, length);
    if (chunk.length < marker.length) break;
    const hit = chunk.indexOf(marker);
    if (hit === -1) {
      from += Math.max(1, chunk.length - marker.length + 1);
      continue;
    }
    const at = { offset: from + hit, end: range.end };
    const frame = await frameAt(file, format, at);
    if (frame !== undefined) return { to: at.offset, index: frame.index ?? range.index };
    from = at.offset + 1;
  }
  return { to: range.end, index: range.index };
}

async function frameAt(
  file: FileHandle,
  format: SegmentFormat,
  { offset, end }: { readonly offset: number; readonly end: number },
): Promise<WholeFrame | undefined> {
  const header = await readAt(file, format.headerBytes + offset, frameHeaderBytes(format));
  const length = payloadLength(header, 0, format);
  if (length === undefined || offset + header.length + length > end) return undefined;
  return wholeFrame(
    await readAt(file, format.headerBytes + offset, header.length + length),
    0,
    format,
  );
}

/**
 * Returns true when the bytes at the end of the newest segment are an incomplete write of a crash,
 * and false when a complete record was damaged later. In an incomplete write the frame ends beyond
 * the bytes, or its header or payload is zeros, which a power cut leaves.
 */
export function isTorn(bytes: Buffer, format: SegmentFormat): boolean {
  const header = bytes.subarray(0, frameHeaderBytes(format));
  if (header.length < frameHeaderBytes(format) || isZero(header)) return true;
  const length = payloadLength(bytes, 0, format);
  if (length === undefined) return false;
  return header.length + length > bytes.length || isZero(bytes.subarray(header.length));
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Reads up to `length` bytes of a file; fewer at its end. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
