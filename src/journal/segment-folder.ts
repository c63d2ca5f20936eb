import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { syncFolder } from '../lib/durable-file.ts';
import type { Log } from '../lib/log.ts';
import { readFrames, segmentOfName, segmentPath } from './segment.ts';

/** The segment files of a journal, and how many durable bytes each has. */
export class SegmentFolder {
  readonly #path: string;
  readonly #log: Log;
  readonly #sizes = new Map<number, number>();

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Finds the segments on disk, and cuts off the frames that a crash left incomplete. */
  async start(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#path)) {
      const segment = segmentOfName(name);
      if (segment === undefined) continue;
      this.#sizes.set(segment, (await stat(segmentPath(this.#path, segment))).size);
    }
    for (const segment of this.numbers()) await this.#cutTornTail(segment);
  }

  /** The segment numbers, oldest first. */
  numbers(): readonly number[] {
    return [...this.#sizes.keys()].sort((a, b) => a - b);
  }

  /** Durable bytes by segment number. */
  get sizes(): ReadonlyMap<number, number> {
    return this.#sizes;
  }

  setSize(segment: number, bytes: number): void {
    this.#sizes.set(segment, bytes);
  }

  /** Creates the segment that follows the newest one. */
  async create(): Promise<{ readonly number: number; readonly file: FileHandle }> {
    const number = (this.numbers().at(-1) ?? 0) + 1;
    const path = segmentPath(this.#path, number);
    try {
      const file = await open(path, 'wx', 0o600);
      await syncFolder(this.#path);
      this.#sizes.set(number, 0);
      return { number, file };
    } catch (cause) {
      await unlink(path).catch(() => {});
      throw new Error(`cannot create journal segment ${path}`, { cause });
    }
  }

  openForReading(segment: number): Promise<FileHandle> {
    return open(segmentPath(this.#path, segment), 'r');
  }

  /** Deletes a segment; the deletion is durable after `sync`. */
  async remove(segment: number): Promise<void> {
    await unlink(segmentPath(this.#path, segment));
    this.#sizes.delete(segment);
  }

  async sync(): Promise<void> {
    await syncFolder(this.#path);
  }

  async #cutTornTail(segment: number): Promise<void> {
    const size = this.#sizes.get(segment) ?? 0;
    const file = await open(segmentPath(this.#path, segment), 'r+');
    try {
      const whole = await wholeFramesEnd(file, size);
      if (whole === size) return;
      this.#log.warn('cut the torn tail of a journal segment', { segment, bytes: size - whole });
      await file.truncate(whole);
      await file.sync();
      this.#sizes.set(segment, whole);
    } finally {
      await file.close();
    }
  }
}

async function wholeFramesEnd(file: FileHandle, size: number): Promise<number> {
  let offset = 0;
  while (offset < size) {
    const limits = { offset, end: size, maxRecords: 10_000, maxBytes: 8 * 1024 * 1024 };
    const frames = await readFrames(file, limits);
    if (frames.nextOffset === offset) break;
    offset = frames.nextOffset;
  }
  return offset;
}
