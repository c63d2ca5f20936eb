import { type FileHandle, readFile } from 'node:fs/promises';
import { replaceFile } from '../lib/durable-file.ts';
import type { Service } from '../lib/service.ts';
import { Turns } from '../lib/turns.ts';

/** A range of the journal that goes to the store as one. */
export interface Batch {
  /** Counts from 1 in the life of a data directory. */
  readonly number: number;
  readonly segment: number;
  readonly first: number;
  readonly last: number;
}

export interface BatchLedgerDeps {
  readonly path: string;
  /** Uniform in [0, 2^24): names the journal in the batch numbers of a shared store. */
  readonly randomJournalId: () => number;
  /** The file is written anew when it has grown past this. Default: 1 MiB. */
  readonly compactBytes?: number | undefined;
}

type Entry =
  | { readonly journal: number }
  | { readonly resume: Position; readonly next: number }
  | { readonly note: Batch }
  | { readonly finish: number };

interface Position {
  readonly segment: number;
  readonly index: number;
}

const COMPACT_BYTES = 1024 * 1024;
const COUNTER_BITS = 40n;

/**
 * Which journal ranges were sent to the store, written down and fsynced before they are sent, so
 * that a batch interrupted by a crash is sent again as exactly the same range. A line a fact, in
 * JSON; a torn last line was never acted on. `finish` is not fsynced: a batch whose finish was
 * lost is in doubt at the next start, and looked up in the store.
 */
export class BatchLedger implements Service {
  readonly name = 'batch ledger';
  readonly #deps: BatchLedgerDeps;
  readonly #open = new Map<number, Batch>();
  /** The next batch is noted while the one before is finished; a file written anew holds both. */
  readonly #turns = new Turns();
  #file: FileHandle | undefined;
  #bytes = 0;
  #torn = false;
  #journalId = 0;
  #next = 1;
  #resume: Position = { segment: 0, index: 0 };

  constructor(deps: BatchLedgerDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#journalId = this.#deps.randomJournalId();
    for (const entry of await readEntries(this.#deps.path)) this.#apply(entry);
    await this.#rewrite();
  }

  async stop(): Promise<void> {
    await this.#turns.idle();
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Batches noted and not finished, in the order they were noted. */
  unfinished(): readonly Batch[] {
    return [...this.#open.values()];
  }

  /** The first record that no batch was noted for. */
  get resume(): Position {
    return this.#resume;
  }

  /** The batch's number in the store: 24 bits of journal id, 40 bits of counter. */
  storeNumber(batch: Batch): bigint {
    return (BigInt(this.#journalId) << COUNTER_BITS) | BigInt(batch.number);
  }

  /** Writes the range down; durable when this resolves. */
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

  /** Segments below this hold no record that is still to be stored. */
  oldestNeededSegment(): number {
    const open = this.unfinished().map((batch) => batch.segment);
    return Math.min(this.#resume.segment, ...open);
  }

  #apply(entry: Entry): void {
    if ('journal' in entry) this.#journalId = entry.journal;
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
    // After a write or fsync that failed (a full disk) what the file holds is not known.
    if (this.#torn) await this.#rewrite();
    this.#torn = true;
    await this.#requireFile().appendFile(line);
    if (isSynced) await this.#requireFile().datasync();
    this.#torn = false;
    this.#bytes += line.length;
  }

  async #rewrite(): Promise<void> {
    const entries: Entry[] = [
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

async function readEntries(path: string): Promise<Entry[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new Error(`cannot read the batch ledger ${path}`, { cause: error });
  });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => parseEntry(line, `${path}, line ${i + 1}`));
}

/** @throws when a whole line is no entry: what is to be stored again cannot be known */
function parseEntry(line: string, place: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch (cause) {
    throw new Error(`cannot read the batch ledger ${place}: it is damaged`, { cause });
  }
}
