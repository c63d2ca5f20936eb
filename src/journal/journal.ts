import type { FileHandle } from 'node:fs/promises';
import type { Log } from '../lib/log.ts';
import type { CounterMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { frameLength, readFrames } from './segment.ts';
import { SegmentFolder } from './segment-folder.ts';
import { SegmentWriter } from './segment-writer.ts';

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

/** The journal cannot take a record now: full, or its disk refuses. Nothing of it was kept. */
export class JournalUnavailableError extends Error {}

/** More than this waiting for one fsync is refused: a disk that hangs must not fill the memory. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

const SEEK_BYTES = 8 * 1024 * 1024;

/**
 * The durable spool of accepted reports. `append` resolves once the record is fsynced; records
 * that wait while one fsync runs share the next one (group commit). Readers see only durable
 * records, in order. `deleteBefore` deletes whole segments.
 *
 * A durable frame that is damaged later ends its segment, because the start of the next frame is
 * unknown. The journal counts and logs the lost bytes and goes on with the next segment.
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
  readonly #folder: SegmentFolder;
  readonly #writer: SegmentWriter;
  readonly #pending: PendingAppend[] = [];
  readonly #readers = new Map<number, FileHandle>();
  #waiters: (() => void)[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: JournalDeps) {
    this.#options = deps.options;
    this.#hasRoom = deps.hasRoom ?? (() => true);
    this.#log = deps.log;
    const { folder, segmentBytes } = deps.options;
    this.#folder = new SegmentFolder(folder, deps.log);
    this.#writer = new SegmentWriter({
      folder: this.#folder,
      segmentBytes,
      isDamaged: (segment) => this.#damaged.has(segment),
      log: deps.log,
    });
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

  async start(): Promise<void> {
    await this.#folder.start();
    await this.#writer.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeReaders();
    await this.#writing;
    await this.#writer.stop();
    for (const file of this.#readers.values()) await file.close();
    this.#readers.clear();
  }

  get bytes(): number {
    let sum = 0;
    for (const size of this.#folder.sizes.values()) sum += size;
    return sum;
  }

  /** Bytes of the durable records at and after the cursor. */
  bytesFrom(cursor: JournalPosition): number {
    let sum = 0;
    for (const [segment, size] of this.#folder.sizes) {
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
    return this.#folder.numbers();
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
      const end = this.#folder.sizes.get(at.segment);
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
    const old = this.segments().filter((n) => n < segment && n !== this.#writer.segment);
    for (const number of old) {
      await this.#readers.get(number)?.close();
      this.#readers.delete(number);
      this.#damaged.delete(number);
      await this.#folder.remove(number);
    }
    if (old.length > 0) await this.#folder.sync();
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
    const file = await this.#folder.openForReading(segment);
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
    await this.#writer.write(group.map(({ payload }) => payload));
    this.#appended.add(group.length);
    this.#groupSize.observe(group.length);
    this.#wakeReaders();
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

function emptyRange(at: JournalPosition): JournalRange {
  return { segment: at.segment, first: at.index, last: at.index - 1, payloads: [], next: at };
}
