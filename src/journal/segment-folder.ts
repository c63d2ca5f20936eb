import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { syncFolder } from '../lib/durable-file.ts';
import type { Log } from '../lib/log.ts';
import {
  type Frames,
  isTorn,
  markedFormat,
  readAt,
  readFormat,
  readFrames,
  type SegmentFormat,
  segmentHeader,
  segmentOfName,
  segmentPath,
  UNMARKED,
} from './segment.ts';

export interface SegmentFolderDeps {
  readonly path: string;
  readonly log: Log;
  /** 8 random bytes for the frames of a new segment. */
  readonly randomMarker: () => Uint8Array;
  /** Called with durable bytes of a segment that are not complete frames. */
  readonly onDamage: (damage: DamagedBytes) => Promise<void>;
}

export interface DamagedBytes {
  readonly segment: number;
  /** Size without the segment's header. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface NewSegment {
  readonly number: number;
  readonly file: FileHandle;
  readonly format: SegmentFormat;
}

/** Limits of one `readFrames` call while a segment is checked. */
const CHECK_LIMITS = { maxRecords: 10_000, maxBytes: 8 * 1024 * 1024 };

/** The segment files of a journal, and how many durable bytes of frames each has. */
export class SegmentFolder {
  readonly #deps: SegmentFolderDeps;
  readonly #sizes = new Map<number, number>();
  readonly #formats = new Map<number, SegmentFormat>();

  constructor(deps: SegmentFolderDeps) {
    this.#deps = deps;
  }

  /**
   * Finds the segments on disk and checks every frame. Truncates the incomplete frame that a crash
   * left at the end of the newest segment. Other bytes that are not complete frames were durable,
   * and are reported as damage.
   */
  async start(): Promise<void> {
    const { path } = this.#deps;
    await mkdir(path, { recursive: true, mode: 0o700 });
    for (const name of await readdir(path)) {
      const segment = segmentOfName(name);
      if (segment !== undefined) this.#sizes.set(segment, 0);
    }
    const newest = await this.#newestWithFrames();
    for (const segment of this.numbers()) await this.#check(segment, segment === newest);
  }

  /** The segment numbers, oldest first. */
  numbers(): readonly number[] {
    return [...this.#sizes.keys()].sort((a, b) => a - b);
  }

  /** Durable bytes of frames by segment number. */
  get sizes(): ReadonlyMap<number, number> {
    return this.#sizes;
  }

  setSize(segment: number, bytes: number): void {
    this.#sizes.set(segment, bytes);
  }

  formatOf(segment: number): SegmentFormat {
    return this.#formats.get(segment) ?? UNMARKED;
  }

  /** Creates the segment that follows the newest one. */
  async create(): Promise<NewSegment> {
    const number = (this.numbers().at(-1) ?? 0) + 1;
    const path = segmentPath(this.#deps.path, number);
    const marker = this.#deps.randomMarker();
    try {
      const file = await open(path, 'wx', 0o600);
      await file.write(segmentHeader(marker));
      await syncFolder(this.#deps.path);
      const format = markedFormat(marker);
      this.#sizes.set(number, 0);
      this.#formats.set(number, format);
      return { number, file, format };
    } catch (cause) {
      await unlink(path).catch(() => {});
      throw new Error(`cannot create journal segment ${path}`, { cause });
    }
  }

  openForReading(segment: number): Promise<FileHandle> {
    return open(segmentPath(this.#deps.path, segment), 'r');
  }

  /** Deletes a segment; the deletion is durable after `sync`. */
  async remove(segment: number): Promise<void> {
    await unlink(segmentPath(this.#deps.path, segment));
    this.#sizes.delete(segment);
    this.#formats.delete(segment);
  }

  async sync(): Promise<void> {
    await syncFolder(this.#deps.path);
  }

  /** The newest segment with frames; the newest file may have been created and never written. */
  async #newestWithFrames(): Promise<number | undefined> {
    for (const segment of [...this.numbers()].reverse()) {
      const { size } = await stat(segmentPath(this.#deps.path, segment));
      if (size > markedFormat(Buffer.alloc(0)).headerBytes) return segment;
    }
    return this.numbers().at(-1);
  }

  async #check(segment: number, isNewest: boolean): Promise<void> {
    const file = await open(segmentPath(this.#deps.path, segment), 'r+');
    try {
      const format = await readFormat(file);
      this.#formats.set(segment, format);
      const end = Math.max(0, (await file.stat()).size - format.headerBytes);
      this.#sizes.set(segment, end);
      let position = { index: 0, offset: 0 };
      while (position.offset < end) {
        const range = { ...position, end, ...CHECK_LIMITS };
        const frames = await readFrames(file, format, range);
        if (frames.status === 'damaged') {
          const isLast = isNewest && frames.to === end;
          await this.#settle({ segment, file, offset: position.offset, to: frames.to, isLast });
        }
        position = after(frames, position);
      }
    } finally {
      await file.close();
    }
  }

  /** Truncates a torn tail; reports anything else as damage. */
  async #settle(found: {
    readonly segment: number;
    readonly file: FileHandle;
    readonly offset: number;
    readonly to: number;
    readonly isLast: boolean;
  }): Promise<void> {
    const { segment, file, offset, to, isLast } = found;
    const { headerBytes } = this.formatOf(segment);
    const bytes = await readAt(file, headerBytes + offset, to - offset);
    if (!isLast || !isTorn(bytes, this.formatOf(segment))) {
      return await this.#deps.onDamage({ segment, offset, bytes });
    }
    this.#deps.log.warn('cut the torn tail of a journal segment', { segment, bytes: to - offset });
    await file.truncate(headerBytes + offset);
    await file.sync();
    this.#sizes.set(segment, offset);
  }
}

/** The position after the frames that were read. */
export function after(
  frames: Frames,
  from: { readonly index: number; readonly offset: number },
): { readonly index: number; readonly offset: number } {
  if (frames.status === 'damaged') return { index: frames.index, offset: frames.to };
  const last = frames.records.at(-1);
  return last === undefined ? from : { index: last.index + 1, offset: last.end };
}
