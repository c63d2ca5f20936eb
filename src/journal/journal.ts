import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Log } from '../lib/log.ts';
import type { CounterMetric, HistogramMetric, Metrics } from '../lib/metrics.ts';
import type { Service } from '../lib/service.ts';
import { LIMITS } from '../model/limits.ts';
import { DamageKeeper } from './damage-keeper.ts';
import { frameLength, readAt, readFrames, type SegmentRecord } from './segment.ts';
import { SegmentFolder } from './segment-folder.ts';
import { SegmentWriter } from './segment-writer.ts';

export interface JournalOptions {
  readonly folder: string;
  /** The journal starts another segment once one has grown past this. */
  readonly segmentBytes: number;
  /** Limit of all segments together; records beyond it are rejected. */
  readonly maxBytes: number;
}

export interface JournalDeps {
  readonly options: JournalOptions;
  /**
   * Returns false while the disk is nearly full; records are rejected then. Default: always true.
   */
  readonly hasRoom?: (() => boolean) | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The position of a record: its index in a segment, and the byte offset of its frame. */
export interface JournalPosition {
  readonly segment: number;
  readonly index: number;
  readonly offset: number;
}

/** Records of one segment, in order; damaged ones are left out. */
export interface JournalRange {
  readonly segment: number;
  readonly first: number;
  readonly last: number;
  readonly payloads: readonly Buffer[];
  /** The position after the last record. */
  readonly next: JournalPosition;
  /** The first `count` records of the range, at least one. */
  readonly head: (count: number) => JournalRange;
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

/** The journal is full or cannot write. It kept nothing of the record. */
export class JournalUnavailableError extends Error {}

/** Limit of records that wait for an fsync, so that a hanging disk does not fill the memory. */
const MAX_PENDING_BYTES = LIMITS.journalPendingBytes.total;

const SEEK_BYTES = 8 * 1024 * 1024;

/**
 * The durable spool of accepted reports. `append` resolves once the record is fsynced; records
 * that wait while one fsync runs share the next one (group commit). Readers see only durable
 * records, in order. `deleteBefore` deletes whole segments.
 *
 * A durable record that is damaged later is skipped: the journal counts, logs and keeps its bytes,
 * and goes on with the next whole record of the segment.
 */
export class Journal implements Service {
  readonly name = 'journal';
  readonly #options: JournalOptions;
  readonly #hasRoom: () => boolean;
  readonly #log: Log;
  readonly #appended: CounterMetric;
  readonly #groupSize: HistogramMetric;
  readonly #damage: DamageKeeper;
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
    this.#damage = new DamageKeeper({ folder, log: deps.log, metrics: deps.metrics });
    this.#folder = new SegmentFolder({
      path: folder,
      log: deps.log,
      randomMarker: () => randomBytes(8),
      onDamage: (damage) => this.#damage.take(damage),
    });
    this.#writer = new SegmentWriter({
      folder: this.#folder,
      segmentBytes,
      isDamaged: (segment) => this.#damage.has(segment),
      log: deps.log,
    });
    this.#appended = deps.metrics.counter({
      name: 'nfm_journal_appended_total',
      help: 'Reports written to the journal and fsynced',
    });
    this.#groupSize = deps.metrics.histogram({
      name: 'nfm_journal_group_reports',
      help: 'Reports that shared one fsync',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
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

  /** Bytes of the durable records at and after a position. */
  bytesFrom(position: JournalPosition): number {
    let sum = 0;
    for (const [segment, size] of this.#folder.sizes) {
      if (segment > position.segment) sum += size;
      else if (segment === position.segment) sum += size - position.offset;
    }
    return sum;
  }

  /** False while the journal or its disk is full, and after `stop`. */
  get writable(): boolean {
    return (
      !this.#stopped && this.#hasRoom() && this.bytes + this.#pendingBytes < this.#options.maxBytes
    );
  }

  /** The segment numbers, oldest first. */
  segments(): readonly number[] {
    return this.#folder.numbers();
  }

  /**
   * Resolves once the record is durable.
   *
   * @throws JournalUnavailableError when the record was not kept
   */
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

  /** The position of the first record of the oldest segment at or after `segment`. */
  positionAt(segment: number): JournalPosition {
    const found = this.segments().find((number) => number >= segment);
    return { segment: found ?? segment, index: 0, offset: 0 };
  }

  /**
   * Returns the position of a record by its index; if it is damaged, that of the next intact
   * record.
   */
  async seek(segment: number, index: number): Promise<JournalPosition> {
    let at: JournalPosition = { segment, index: 0, offset: 0 };
    while (at.index < index) {
      const limits = { maxRecords: index - at.index, maxBytes: SEEK_BYTES };
      const { first, next } = await this.read(at, limits);
      if (next.segment !== segment || next.index === at.index || first >= index) break;
      at = next;
    }
    return at;
  }

  /** Yields the intact records of a segment from one index to another. */
  async *records(range: {
    readonly segment: number;
    readonly first: number;
    readonly last: number;
  }): AsyncGenerator<Buffer> {
    let at = await this.seek(range.segment, range.first);
    while (at.index <= range.last) {
      const read = await this.read(at, { maxRecords: 1, maxBytes: 1 });
      if (read.segment !== range.segment || read.first > range.last) return;
      yield* read.payloads;
      if (read.payloads.length === 0) return;
      at = read.next;
    }
  }

  /**
   * Reads the next records from a position, all of one segment. Returns an empty range when there
   * is none yet. At the end of a closed segment it continues with the next segment.
   */
  async read(position: JournalPosition, limits: ReadLimits): Promise<JournalRange> {
    let at = position;
    for (;;) {
      const end = this.#folder.sizes.get(at.segment);
      if (end !== undefined && at.offset < end) {
        const file = await this.#reader(at.segment);
        const format = this.#folder.formatOf(at.segment);
        const frames = await readFrames(file, format, { ...at, end, ...limits });
        if (frames.status === 'whole') return rangeOf(at.segment, frames.records);
        const { segment, offset } = at;
        const start = format.headerBytes + offset;
        const bytes = await readAt(file, start, frames.to - offset);
        await this.#damage.take({ segment, offset, bytes });
        at = { segment, index: frames.index, offset: frames.to };
        continue;
      }
      const next = this.segments().find((number) => number > at.segment);
      if (next === undefined) return emptyRange(at);
      at = { segment: next, index: 0, offset: 0 };
    }
  }

  /** Resolves when a record is appended, the signal is aborted, or the journal stops. */
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
      this.#damage.forget(number);
      await this.#folder.remove(number);
    }
    if (old.length > 0) await this.#folder.sync();
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

function rangeOf(segment: number, records: readonly SegmentRecord[]): JournalRange {
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a range has a record');
  return {
    segment,
    first: first.index,
    last: last.index,
    payloads: records.map(({ payload }) => payload),
    next: { segment, index: last.index + 1, offset: last.end },
    head: (count) => rangeOf(segment, records.slice(0, count)),
  };
}

function emptyRange(at: JournalPosition): JournalRange {
  const range: JournalRange = {
    segment: at.segment,
    first: at.index,
    last: at.index - 1,
    payloads: [],
    next: at,
    head: () => range,
  };
  return range;
}
