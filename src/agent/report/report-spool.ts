import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../lib/durable-file.ts';
import { errorMessage } from '../../lib/error-details.ts';
import type { Log } from '../../lib/log.ts';
import { AgentError } from '../agent-error.ts';
import { lockFile } from '../kernel/file-lock.ts';
import { refuseWritable } from '../refuse-writable.ts';
import type { EncodedReport } from './endpoint.ts';
import {
  decodeSpoolFile,
  encodeSpoolFile,
  parseSpoolName,
  spoolFileBytes,
  spoolFileName,
} from './spool-file.ts';

/** About ten minutes of reports of the usual 40 kB, where there is no folder or it has no room. */
const MAX_IN_MEMORY = 20;

/** Of the disk's room, so much is left to others: 64 MiB, of a small disk a twentieth. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
const MIN_FREE_SHARE = 0.05;

export interface ReportSpoolDeps {
  /** Undefined: reports wait in memory, and go with the process. */
  readonly folder: string | undefined;
  readonly maxBytes: number;
  readonly log: Log;
}

/** A report that waits. */
export interface SpooledReport {
  readonly number: number;
  readonly tells: number;
  readonly bytes: number;
  /** Undefined: in its file. */
  readonly inMemory: EncodedReport | undefined;
}

/**
 * The reports that wait for the server, oldest first, each in a file of its own (0600), kept as they
 * are sent. A report is whole and durable when `add` returns: written under another name, fsynced,
 * renamed, its folder fsynced. `remove` is not durable: after a crash of the machine a report may be
 * sent once more, with the same run id and sequence. What does not fit goes, oldest first, and so
 * does what the disk has damaged: both are counted. A report that tells of dropped ones gives their
 * number back when it is dropped itself.
 */
export class ReportSpool {
  readonly #deps: ReportSpoolDeps;
  #waiting: SpooledReport[] = [];
  #lock: FileHandle | undefined;
  #nextNumber = 1;
  #dropped = 0;
  #corrupted = 0;

  constructor(deps: ReportSpoolDeps) {
    this.#deps = deps;
  }

  /** Takes up what an earlier run left. Throws an AgentError when the folder cannot be used. */
  async start(): Promise<void> {
    const { folder, log } = this.#deps;
    if (folder === undefined) return;
    this.#lock = await takeFolder(folder);
    const names = await readdir(folder);
    // Not whole when the agent was killed: never a report.
    const parts = names.filter((name) => name.endsWith('.report.new'));
    for (const name of parts) await rm(join(folder, name), { force: true });
    const found = names.flatMap((name) => parseSpoolName(name) ?? []);
    for (const name of found.toSorted((a, b) => a.number - b.number)) {
      const bytes = (await stat(join(folder, spoolFileName(name)))).size;
      this.#waiting.push({ ...name, bytes, inMemory: undefined });
    }
    this.#nextNumber = (this.#waiting.at(-1)?.number ?? 0) + 1;
    await this.#dropBeyond(0);
    if (found.length > 0) log.info('reports of earlier runs wait', { reports: this.length });
  }

  async stop(): Promise<void> {
    await this.#lock?.close();
    this.#lock = undefined;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get oldest(): SpooledReport | undefined {
    return this.#waiting[0];
  }

  has(report: SpooledReport): boolean {
    return this.#waiting.includes(report);
  }

  /**
   * Keeps a report, or, where it cannot be written, holds it in memory.
   *
   * @param tells how many dropped reports it tells of
   */
  async add(report: EncodedReport, tells: number): Promise<SpooledReport> {
    const name = { number: this.#nextNumber, tells };
    this.#nextNumber += 1;
    const bytes = spoolFileBytes(report);
    await this.#dropBeyond(bytes);
    const isWritten = await this.#write(spoolFileName(name), report);
    const added = { ...name, bytes, inMemory: isWritten ? undefined : report };
    this.#waiting.push(added);
    const inMemory = this.#waiting.filter((one) => one.inMemory !== undefined);
    for (const one of inMemory.slice(0, -MAX_IN_MEMORY)) await this.#drop(one);
    return added;
  }

  /** The report itself; undefined when it is damaged: then it is counted and gone. */
  async read(report: SpooledReport): Promise<EncodedReport | undefined> {
    if (report.inMemory !== undefined) return report.inMemory;
    const file = await readFile(this.#path(report)).catch(() => Buffer.alloc(0));
    const read = decodeSpoolFile(file);
    if (read === undefined) {
      this.#corrupted += 1;
      this.#dropped += report.tells;
      this.#deps.log.warn('report in the spool is damaged', { number: report.number });
      await this.remove(report);
    }
    return read;
  }

  /** Never throws: a file that cannot be removed is sent once more by the next run. */
  async remove(report: SpooledReport): Promise<void> {
    this.#waiting = this.#waiting.filter((one) => one !== report);
    if (report.inMemory !== undefined) return;
    try {
      await rm(this.#path(report), { force: true });
    } catch (error) {
      this.#deps.log.warn('report not removed from the spool', { error });
    }
  }

  /** Puts a report behind all others: it may be what the server stumbles over. */
  postpone(report: SpooledReport): void {
    this.#waiting = [...this.#waiting.filter((one) => one !== report), report];
  }

  /** Reports dropped for want of room since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  /** Reports found damaged since the last call. */
  takeCorrupted(): number {
    const corrupted = this.#corrupted;
    this.#corrupted = 0;
    return corrupted;
  }

  async #dropBeyond(added: number): Promise<void> {
    let bytes = this.#waiting.reduce((sum, one) => sum + one.bytes, added);
    while (bytes > this.#deps.maxBytes) {
      const oldest = this.#waiting.reduce<SpooledReport | undefined>(older, undefined);
      if (oldest === undefined) return;
      bytes -= oldest.bytes;
      await this.#drop(oldest);
    }
  }

  async #drop(report: SpooledReport): Promise<void> {
    this.#dropped += 1 + report.tells;
    this.#deps.log.warn('report dropped: too many wait for the server', { number: report.number });
    await this.remove(report);
  }

  /** Whether it is written and durable. */
  async #write(name: string, report: EncodedReport): Promise<boolean> {
    const { folder, log, maxBytes } = this.#deps;
    if (folder === undefined || spoolFileBytes(report) > maxBytes) return false;
    try {
      const { bavail, blocks, bsize } = await statfs(folder);
      const min = Math.min(MIN_FREE_BYTES, blocks * bsize * MIN_FREE_SHARE);
      if (bavail * bsize < min) throw new Error('the disk is nearly full');
      const file = await replaceFile(join(folder, name), encodeSpoolFile(report));
      await file.close();
      return true;
    } catch (error) {
      log.warn('report not written to the spool: it waits in memory', { error });
      return false;
    }
  }

  #path(report: SpooledReport): string {
    return join(this.#deps.folder ?? '', spoolFileName(report));
  }
}

function older(found: SpooledReport | undefined, one: SpooledReport): SpooledReport {
  return found === undefined || one.number < found.number ? one : found;
}

/** Makes the folder for its owner alone, and keeps other agents out of it. */
async function takeFolder(folder: string): Promise<FileHandle> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseWritable('spool', folder);
    const lock = await open(join(folder, 'lock'), 'a', 0o600);
    if (lockFile(lock.fd)) return lock;
    await lock.close();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const reason = errorMessage(cause);
    throw new AgentError(`cannot use the spool ${folder} (${reason}): give another --spool-dir`, {
      cause,
    });
  }
  throw new AgentError(`another agent uses the spool ${folder}: give each a --spool-dir`);
}
