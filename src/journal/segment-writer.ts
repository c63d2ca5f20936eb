import type { Log } from '../lib/log.ts';
import { frameHeader, frameLength } from './segment.ts';
import type { NewSegment, SegmentFolder } from './segment-folder.ts';

export interface SegmentWriterDeps {
  readonly folder: SegmentFolder;
  /** The writer starts another segment once one has grown past this. */
  readonly segmentBytes: number;
  /** True for a segment that a reader found damaged; the writer adds nothing to it. */
  readonly isDamaged: (segment: number) => boolean;
  readonly log: Log;
}

interface OpenSegment extends NewSegment {
  /** Frames below this offset are written and fsynced. */
  durableBytes: number;
  /** How many of them there are. */
  records: number;
}

/**
 * Writes records to the newest segment. When a write or fsync fails, the writer truncates the
 * segment to its last durable byte, abandons it, and starts another one for the next write. It
 * never trusts the file again: after a failed fsync the kernel may drop the pages and report
 * success the next time. Until the truncation succeeds nothing is written, because a rejected
 * record must not reappear at the next start.
 */
export class SegmentWriter {
  readonly #deps: SegmentWriterDeps;
  #current: OpenSegment | undefined;
  /** A segment whose failed write is not truncated yet. */
  #abandoned: OpenSegment | undefined;

  constructor(deps: SegmentWriterDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#current = await this.#create();
  }

  async stop(): Promise<void> {
    await this.#current?.file.close();
    this.#current = undefined;
    await this.#abandoned?.file.close();
    this.#abandoned = undefined;
  }

  /** The number of the segment being written. */
  get segment(): number | undefined {
    return this.#current?.number;
  }

  /** Writes the records and fsyncs them. Keeps none of them when it fails. */
  async write(payloads: readonly Uint8Array[]): Promise<void> {
    const segment = await this.#segmentToWrite();
    const { format, records } = segment;
    const frames = payloads.flatMap((payload, i) => [
      frameHeader(format, records + i, payload),
      payload,
    ]);
    const length = payloads.reduce((sum, payload) => sum + frameLength(payload), 0);
    try {
      await writeAll(segment, frames, length);
      await segment.file.datasync();
    } catch (error) {
      await this.#abandon(segment);
      throw error;
    }
    segment.durableBytes += length;
    segment.records += payloads.length;
    this.#deps.folder.setSize(segment.number, segment.durableBytes);
  }

  async #segmentToWrite(): Promise<OpenSegment> {
    await this.#truncateAbandoned();
    const current = this.#current;
    const hasRoom = current !== undefined && current.durableBytes < this.#deps.segmentBytes;
    if (hasRoom && !this.#deps.isDamaged(current.number)) return current;
    const created = await this.#create();
    this.#current = created;
    await current?.file.close();
    return created;
  }

  async #create(): Promise<OpenSegment> {
    return { ...(await this.#deps.folder.create()), durableBytes: 0, records: 0 };
  }

  async #abandon(segment: OpenSegment): Promise<void> {
    this.#current = undefined;
    this.#abandoned = segment;
    await this.#truncateAbandoned().catch((error) => {
      const fields = { error, segment: segment.number };
      this.#deps.log.warn('cannot cut the journal segment back', fields);
    });
  }

  async #truncateAbandoned(): Promise<void> {
    const segment = this.#abandoned;
    if (segment === undefined) return;
    if (segment.durableBytes === 0) await this.#removeEmpty(segment.number);
    else {
      await segment.file.truncate(segment.format.headerBytes + segment.durableBytes);
      await segment.file.sync();
    }
    this.#abandoned = undefined;
    await segment.file.close().catch(() => {});
  }

  /**
   * Each attempt on a full disk leaves an empty segment; removing them keeps them from piling up.
   */
  async #removeEmpty(segment: number): Promise<void> {
    await this.#deps.folder.remove(segment);
    await this.#deps.folder.sync();
  }
}

/** `writev` may write less than asked (a disk nearly full, a signal), so the rest follows. */
async function writeAll(segment: OpenSegment, frames: Uint8Array[], length: number): Promise<void> {
  const { file } = segment;
  const start = segment.format.headerBytes + segment.durableBytes;
  let { bytesWritten: written } = await file.writev(frames, start);
  if (written === length) return;
  const all = Buffer.concat(frames, length);
  while (written < length) {
    const rest = await file.write(all, written, length - written, start + written);
    written += rest.bytesWritten;
  }
}
