import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { syncFolder } from '../lib/durable-file.ts';
import type { Log } from '../lib/log.ts';
import type { CounterMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { frameHeader, frameLength, readFrames, segmentOfName, segmentPath } from './segment.ts';

export interface JournalOptions {
  readonly folder: string;
  /** A segment is closed when it has grown past this. */
  readonly segmentBytes: number;
  /** All segments together; what would go beyond is refused. */
  readonly maxBytes: number;
}

export interface JournalDeps {
  readonly options: JournalOptions;
  /** False while its disk is nearly full: nothing is taken then. Default: there always is. */
  readonly hasRoom?: (() => boolean) | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Where reading goes on: a frame's place in a segment, and its byte offset. */
export interface JournalPosition {
  readonly segment: number;
  readonly index: number;
  readonly offset: number;
}

/** Consecutive records of one segment. */
export interface JournalRange {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
  readonly payloads: readonly Buffer[];
  /** The record after the last. */
  readonly next: JournalPosition;
}

export interface ReadLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

interface PendingAppend {
  readonly payload: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Segment {
  readonly number: number;
  readonly file: FileHandle;
  /** Everything below is written and fsynced; only that is read. */
  durableBytes: number;
}

/** The journal cannot take a record now: full, or its disk refuses. Nothing of it was kept. */
export class JournalUnavailableError extends Error {}

/** More than this waiting for one fsync is refused: a disk that hangs must not fill the memory. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

const SEEK_BYTES = 8 * 1024 * 1024;

/**
 * The durable spool of accepted reports. `append` resolves once the record is fsynced; records
 * that wait while one fsync runs share the next (group commit). Reading sees only durable
 * records, in order. Segments are deleted whole, by `deleteBefore`.
 *
 * When a write or fsync fails, the segment is cut back to its last durable byte and left; the
 * next append begins a new one. An fsync that failed once may report success later though the
 * pages were dropped, so the same file is never trusted again. Until it could be cut nothing is
 * taken: what was refused must not come to life at the next start.
 *
 * A frame that is damaged though it was durable ends its segment: what follows it cannot be told
 * from garbage. That is counted and logged, and the rest goes on.
 */
export class Journal implements Service {
  readonly name = 'journal';
  readonly #options: JournalOptions;
  readonly #hasRoom: () => boolean;
  readonly #log: Log;
  readonly #appended: CounterMetric;
  readonly #groupSize: HistogramMetric;
  readonly #damagedBytes: CounterMetric;
  readonly #damaged = new Set<number>();
  readonly #sizes = new Map<number, number>();
  readonly #pending: PendingAppend[] = [];
  readonly #readers = new Map<number, FileHandle>();
  #waiters: (() => void)[] = [];
  #current: Segment | undefined;
  /** A segment that a failed write left a tail on, which could not be cut off yet. */
  #uncut: Segment | undefined;
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: JournalDeps) {
    this.#options = deps.options;
    this.#hasRoom = deps.hasRoom ?? (() => true);
    this.#log = deps.log;
    this.#appended = deps.metrics.counter({
      name: 'nfm_journal_appended_total',
      help: 'Reports made durable in the journal',
    });
    this.#groupSize = deps.metrics.histogram({
      name: 'nfm_journal_group_reports',
      help: 'Reports that shared one fsync',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    });
    this.#damagedBytes = deps.metrics.counter({
      name: 'nfm_journal_damaged_bytes_total',
      help: 'Bytes of journal segments that were durable and cannot be read any more',
    });
    deps.metrics.observedGauge(
      { name: 'nfm_journal_bytes', help: 'Bytes of all journal segments on disk' },
      () => this.bytes,
    );
  }

  /** Finds the segments there are, cuts their torn tails, and opens a new one. */
  async start(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#options.folder)) {
      const segment = segmentOfName(name);
      if (segment === undefined) continue;
      this.#sizes.set(segment, (await stat(segmentPath(this.#options.folder, segment))).size);
    }
    for (const segment of this.segments()) await this.#cutTornTail(segment);
    this.#current = await this.#openSegment((this.segments().at(-1) ?? 0) + 1);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeReaders();
    await this.#writing;
    await this.#current?.file.close();
    this.#current = undefined;
    await this.#uncut?.file.close();
    this.#uncut = undefined;
    for (const file of this.#readers.values()) await file.close();
    this.#readers.clear();
  }

  get bytes(): number {
    let sum = 0;
    for (const size of this.#sizes.values()) sum += size;
    return sum;
  }

  /** Bytes of the durable records at and after the cursor. */
  bytesFrom(cursor: JournalPosition): number {
    let sum = 0;
    for (const [segment, size] of this.#sizes) {
      if (segment > cursor.segment) sum += size;
      else if (segment === cursor.segment) sum += size - cursor.offset;
    }
    return sum;
  }

  /** False while the journal or its disk is full, or it is stopped. */
  get writable(): boolean {
    return (
      !this.#stopped && this.#hasRoom() && this.bytes + this.#pendingBytes < this.#options.maxBytes
    );
  }

  /** The numbers of the segments there are, oldest first. */
  segments(): readonly number[] {
    return [...this.#sizes.keys()].sort((a, b) => a - b);
  }

  /** @throws JournalUnavailableError when the record was not kept. */
  append(payload: Uint8Array): Promise<void> {
    if (!this.writable) {
      const why = this.#stopped ? 'the journal is stopped' : 'the journal is full';
      return Promise.reject(new JournalUnavailableError(why));
    }
    const length = frameLength(payload);
    if (this.#pendingBytes > 0 && this.#pendingBytes + length > MAX_PENDING_BYTES) {
      return Promise.reject(new JournalUnavailableError('too many reports wait for the disk'));
    }
    this.#pendingBytes += length;
    return new Promise((resolve, reject) => {
      this.#pending.push({ payload, resolve, reject });
      this.#writing ??= this.#writePending();
    });
  }

  /** The first record of the oldest segment at or after `segment`. */
  cursorAt(segment: number): JournalPosition {
    const found = this.segments().find((number) => number >= segment);
    return { segment: found ?? segment, index: 0, offset: 0 };
  }

  /** The record with this index of a segment, found by reading those before it. */
  async seek(segment: number, index: number): Promise<JournalPosition> {
    let at: JournalPosition = { segment, index: 0, offset: 0 };
    while (at.index < index) {
      const limits = { maxRecords: index - at.index, maxBytes: SEEK_BYTES };
      const { next } = await this.read(at, limits);
      if (next.segment !== segment || next.index === at.index) break;
      at = next;
    }
    return at;
  }

  /**
   * The next records from the cursor, all of one segment; an empty range when there is none yet.
   * At the end of a closed segment it goes on in the next.
   */
  async read(cursor: JournalPosition, limits: ReadLimits): Promise<JournalRange> {
    let at = cursor;
    for (;;) {
      const end = this.#durableEnd(at.segment);
      if (end !== undefined && at.offset < end) {
        const range = await this.#readRange(at, end, limits);
        if (range.payloads.length > 0) return range;
        this.#reportDamage(at, end);
      }
      const next = this.segments().find((number) => number > at.segment);
      if (next === undefined) return emptyRange(at);
      at = { segment: next, index: 0, offset: 0 };
    }
  }

  /** Resolves when something was appended, the signal is aborted, or the journal stops. */
  async waitForAppend(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#waiters.push(wake);
    });
  }

  /** Deletes every closed segment below `segment`. */
  async deleteBefore(segment: number): Promise<void> {
    const old = this.segments().filter((n) => n < segment && n !== this.#current?.number);
    for (const number of old) {
      await this.#readers.get(number)?.close();
      this.#readers.delete(number);
      this.#damaged.delete(number);
      await unlink(segmentPath(this.#options.folder, number));
      this.#sizes.delete(number);
    }
    if (old.length > 0) await syncFolder(this.#options.folder);
  }

  #reportDamage({ segment, offset }: JournalPosition, end: number): void {
    if (this.#damaged.has(segment)) return;
    this.#damaged.add(segment);
    this.#damagedBytes.add(end - offset);
    this.#log.error('a journal segment is damaged; its rest is lost', {
      segment,
      offset,
      bytes: end - offset,
    });
  }

  #durableEnd(segment: number): number | undefined {
    if (segment === this.#current?.number) return this.#current.durableBytes;
    return this.#sizes.get(segment);
  }

  async #readRange(
    cursor: JournalPosition,
    end: number,
    limits: ReadLimits,
  ): Promise<JournalRange> {
    const file = await this.#reader(cursor.segment);
    const range = { ...limits, offset: cursor.offset, end };
    const { payloads, nextOffset } = await readFrames(file, range);
    const count = payloads.length;
    return {
      segment: cursor.segment,
      first: cursor.index,
      last: cursor.index + count - 1,
      payloads,
      next: { segment: cursor.segment, index: cursor.index + count, offset: nextOffset },
    };
  }

  async #reader(segment: number): Promise<FileHandle> {
    const known = this.#readers.get(segment);
    if (known !== undefined) return known;
    const file = await open(segmentPath(this.#options.folder, segment), 'r');
    this.#readers.set(segment, file);
    return file;
  }

  async #writePending(): Promise<void> {
    while (this.#pending.length > 0) {
      const group = this.#pending.splice(0);
      try {
        await this.#commit(group);
        for (const append of group) append.resolve();
      } catch (cause) {
        this.#log.error('cannot write to the journal', { error: cause, reports: group.length });
        const error = new JournalUnavailableError('the journal cannot be written', { cause });
        for (const append of group) append.reject(error);
      }
      this.#pendingBytes -= lengthOf(group);
    }
    this.#writing = undefined;
  }

  async #commit(group: readonly PendingAppend[]): Promise<void> {
    const segment = await this.#segmentToWrite();
    const frames = group.flatMap(({ payload }) => [frameHeader(payload), payload]);
    const length = lengthOf(group);
    try {
      await writeAll(segment, frames, length);
      await segment.file.datasync();
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    segment.durableBytes += length;
    this.#sizes.set(segment.number, segment.durableBytes);
    this.#appended.add(group.length);
    this.#groupSize.observe(group.length);
    this.#wakeReaders();
  }

  async #segmentToWrite(): Promise<Segment> {
    await this.#cutAbandoned();
    const current = this.#current;
    const hasRoom = current !== undefined && current.durableBytes < this.#options.segmentBytes;
    if (hasRoom && !this.#damaged.has(current.number)) return current;
    const number = (this.segments().at(-1) ?? 0) + 1;
    const fresh = await this.#openSegment(number);
    this.#current = fresh;
    await current?.file.close();
    this.#wakeReaders();
    return fresh;
  }

  async #openSegment(number: number): Promise<Segment> {
    const path = segmentPath(this.#options.folder, number);
    try {
      const file = await open(path, 'wx', 0o600);
      await syncFolder(this.#options.folder);
      this.#sizes.set(number, 0);
      return { number, file, durableBytes: 0 };
    } catch (cause) {
      await unlink(path).catch(() => {});
      throw new Error(`cannot create journal segment ${path}`, { cause });
    }
  }

  /** After a failed write or fsync: what is not durable is cut off, and the file is left. */
  async #abandon(segment: Segment): Promise<void> {
    this.#current = undefined;
    this.#uncut = segment;
    await this.#cutAbandoned().catch((error) => {
      this.#log.warn('cannot cut the journal segment back', { error, segment: segment.number });
    });
  }

  async #cutAbandoned(): Promise<void> {
    const segment = this.#uncut;
    if (segment === undefined) return;
    if (segment.durableBytes === 0) await this.#removeEmpty(segment.number);
    else {
      await segment.file.truncate(segment.durableBytes);
      await segment.file.sync();
    }
    this.#uncut = undefined;
    await segment.file.close().catch(() => {});
  }

  /** While a disk stays full each attempt leaves one: they must not pile up. */
  async #removeEmpty(number: number): Promise<void> {
    await unlink(segmentPath(this.#options.folder, number));
    this.#sizes.delete(number);
    await syncFolder(this.#options.folder);
  }

  async #cutTornTail(segment: number): Promise<void> {
    const path = segmentPath(this.#options.folder, segment);
    const size = this.#sizes.get(segment) ?? 0;
    const file = await open(path, 'r+');
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

  #wakeReaders(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

function lengthOf(group: readonly PendingAppend[]): number {
  return group.reduce((sum, { payload }) => sum + frameLength(payload), 0);
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

/** pwritev may write less than asked (a disk nearly full, a signal): goes on where it stopped. */
async function writeAll(segment: Segment, frames: Uint8Array[], length: number): Promise<void> {
  const { file, durableBytes } = segment;
  let { bytesWritten: written } = await file.writev(frames, durableBytes);
  if (written === length) return;
  const all = Buffer.concat(frames, length);
  while (written < length) {
    const rest = await file.write(all, written, length - written, durableBytes + written);
    written += rest.bytesWritten;
  }
}

function emptyRange(at: JournalPosition): JournalRange {
  return { segment: at.segment, first: at.index, last: at.index - 1, payloads: [], next: at };
}
