import { type FileHandle, readFile } from 'node:fs/promises';
import { replaceFile } from '../lib/durable-file.ts';
import type { Service } from '../lib/service.ts';
import { Turns } from '../lib/turns.ts';
import type { InstallationMark } from '../model/installation-mark.ts';

/** A range of journal records that is stored in one insert. */
export interface Batch {
  /** Counts from 1 over the life of a data folder. */
  readonly number: number;
  readonly segment: number;
  readonly first: number;
  readonly last: number;
}

export interface BatchLedgerDeps {
  readonly path: string;
  /**
   * Returns a uniform integer in [0, 2^24). It identifies the journal in a store shared by servers.
   */
  readonly randomJournalId: () => number;
  /** The ledger rewrites its file once it has grown past this. Default: 1 MiB. */
  readonly compactBytes?: number | undefined;
}

type Entry =
  | { readonly mark: InstallationMark }
  | { readonly journal: number }
  | { readonly resume: Position; readonly next: number }
  | { readonly note: Batch }
  | { readonly finish: number };

interface Position {
  readonly segment: number;
  readonly index: number;
}

/** The content of a ledger that is made anew. */
export interface LedgerContent {
  readonly journalId: number;
  readonly nextNumber: number;
  readonly resume: Position;
  readonly unfinished: readonly Batch[];
}

const COMPACT_BYTES = 1024 * 1024;
const COUNTER_BITS = 40n;
export const MAX_BATCH_NUMBER = 2 ** 40 - 1;

/**
 * Records which journal ranges are sent to the store. It fsyncs the record before the range is
 * sent, so that after a crash exactly the same range is sent again. The file has one JSON entry per
 * line; an incomplete last line was never acted on. `finish` is not fsynced: at the next start the
 * server looks up a batch without a finish in the store.
 */
export class BatchLedger implements Service {
  readonly name = 'batch ledger';
  readonly #deps: BatchLedgerDeps;
  readonly #open = new Map<number, Batch>();
  /** The next batch is noted while the previous one is finished; a rewrite must include both. */
  readonly #turns = new Turns();
  #file: FileHandle | undefined;
  #bytes = 0;
  #torn = false;
  #journalId = 0;
  #next = 1;
  #resume: Position = { segment: 0, index: 0 };
  #mark: InstallationMark | undefined;

  constructor(deps: BatchLedgerDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    await this.load();
    await this.#rewrite();
  }

  /** Reads the file and writes nothing. Returns false when the file is missing. */
  async load(): Promise<boolean> {
    this.#journalId = this.#deps.randomJournalId();
    const entries = await readEntries(this.#deps.path);
    for (const entry of entries ?? []) this.#apply(entry);
    return entries !== undefined;
  }

  /** Replaces the file by other content. */
  async replace(content: LedgerContent): Promise<void> {
    this.#journalId = content.journalId;
    this.#next = content.nextNumber;
    this.#resume = content.resume;
    this.#open.clear();
    for (const batch of content.unfinished) this.#open.set(batch.number, batch);
    await this.#turns.take(() => this.#rewrite());
  }

  /** Writes the mark of this start into the file. */
  async setMark(mark: InstallationMark): Promise<void> {
    this.#mark = mark;
    await this.#turns.take(() => this.#rewrite());
  }

  get mark(): InstallationMark | undefined {
    return this.#mark;
  }

  get journalId(): number {
    return this.#journalId;
  }

  /** The highest number that a batch was noted under; 0 before the first. */
  get highestNumber(): number {
    return this.#next - 1;
  }

  async stop(): Promise<void> {
    await this.#turns.idle();
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Batches that were noted and not finished, in the order of the notes. */
  unfinished(): readonly Batch[] {
    return [...this.#open.values()];
  }

  /** The position of the first record without a batch. */
  get resume(): Position {
    return this.#resume;
  }

  /** The batch's number in the store: 24 bits of journal id and 40 bits of counter. */
  storeNumber(batch: Batch): bigint {
    return storeNumber(this.#journalId, batch.number);
  }

  /** Records a range as a batch; durable when it resolves. */
  note(range: Omit<Batch, 'number'>): Promise<Batch> {
    return this.#turns.take(async () => {
      const { segment, first, last } = range;
      const batch: Batch = { number: this.#next, segment, first, last };
      await this.#append({ note: batch }, true);
      this.#apply({ note: batch });
      return batch;
    });
  }

  finish(batch: Batch): Promise<void> {
    return this.#turns.take(async () => {
      await this.#append({ finish: batch.number }, false);
      this.#apply({ finish: batch.number });
      if (this.#bytes > (this.#deps.compactBytes ?? COMPACT_BYTES)) await this.#rewrite();
    });
  }

  /** All records of the segments below this one are stored. */
  oldestNeededSegment(): number {
    const open = this.unfinished().map((batch) => batch.segment);
    return Math.min(this.#resume.segment, ...open);
  }

  #apply(entry: Entry): void {
    if ('mark' in entry) this.#mark = entry.mark;
    else if ('journal' in entry) this.#journalId = entry.journal;
    else if ('resume' in entry) {
      this.#resume = entry.resume;
      this.#next = entry.next;
    } else if ('note' in entry) {
      this.#open.set(entry.note.number, entry.note);
      this.#next = entry.note.number + 1;
      this.#resume = { segment: entry.note.segment, index: entry.note.last + 1 };
    } else this.#open.delete(entry.finish);
  }

  async #append(entry: Entry, isSynced: boolean): Promise<void> {
    const line = `${JSON.stringify(entry)}\n`;
    // After a failed write or fsync (a full disk) the content of the file is unknown.
    if (this.#torn) await this.#rewrite();
    this.#torn = true;
    await this.#requireFile().appendFile(line);
    if (isSynced) await this.#requireFile().datasync();
    this.#torn = false;
    this.#bytes += line.length;
  }

  async #rewrite(): Promise<void> {
    const entries: Entry[] = [
      ...(this.#mark === undefined ? [] : [{ mark: this.#mark }]),
      { journal: this.#journalId },
      ...this.unfinished().map((note) => ({ note })),
      { resume: this.#resume, next: this.#next },
    ];
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    const file = await replaceFile(this.#deps.path, text);
    await this.#file?.close();
    this.#file = file;
    this.#bytes = text.length;
    this.#torn = false;
  }

  #requireFile(): FileHandle {
    if (this.#file === undefined) throw new Error('the batch ledger is not started');
    return this.#file;
  }
}

/** A batch's number in the store: 24 bits of journal id and 40 bits of counter. */
export function storeNumber(journalId: number, number: number): bigint {
  return (BigInt(journalId) << COUNTER_BITS) | BigInt(number);
}

/** The inverse of `storeNumber`. */
export function splitStoreNumber(batch: bigint): { journalId: number; number: number } {
  const journalId = Number(batch >> COUNTER_BITS);
  return { journalId, number: Number(batch - storeNumber(journalId, 0)) };
}

/** Returns undefined when the file is missing. */
async function readEntries(path: string): Promise<Entry[] | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`cannot read the batch ledger ${path}`, { cause: error });
  });
  return text
    ?.split('\n')
    .slice(0, -1)
    .map((line, i) => parseEntry(line, `${path}, line ${i + 1}`));
}

/** @throws Error when a complete line is not an entry, because the sent ranges are unknown then */
function parseEntry(line: string, place: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch (cause) {
    throw new Error(`cannot read the batch ledger ${place}: it is damaged`, { cause });
  }
}
