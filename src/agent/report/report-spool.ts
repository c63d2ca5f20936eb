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

/**
 * Limit of reports in memory, where they wait without a folder or without room in it: about ten
 * minutes, at the usual 40 kB.
 */
const MAX_IN_MEMORY = 20;

/** Free space that the spool leaves on the disk: 64 MiB, or a twentieth of a small disk. */
const MIN_FREE_BYTES = 64 * 1024 * 1024;
const MIN_FREE_SHARE = 0.05;

export interface ReportSpoolDeps {
  /** Undefined: reports wait in memory, and are lost when the process ends. */
  readonly folder: string | undefined;
  readonly maxBytes: number;
  readonly log: Log;
}

/** A waiting report. */
export interface SpooledReport {
  readonly number: number;
  readonly droppedBefore: number;
  readonly bytes: number;
  /** Undefined: the report is in its file. */
  readonly inMemory: EncodedReport | undefined;
}

/**
 * The reports that wait for the server, oldest first. Each is in its own file (0600), in the bytes
 * that are sent. When `add` returns, the report is whole and durable: it was written under another
 * name, fsynced, renamed, and the folder fsynced. `remove` is not durable: after a crash of the
 * machine a report may be sent again, with the same run id and sequence. The spool drops the oldest
 * reports when it has no room, skips damaged ones, and counts both. A report may carry a count of
 * earlier drops. If that report is dropped itself, the count is added again, so that a later report
 * carries it.
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

  /**
   * Opens the folder and lists the reports of earlier runs.
   *
   * @throws AgentError when the folder cannot be used
   */
  async start(): Promise<void> {
    const { folder, log } = this.#deps;
    if (folder === undefined) return;
    this.#lock = await takeFolder(folder);
    const names = await readdir(folder);
    // Incomplete files of a killed agent.
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
   * Writes a report to its file, or keeps it in memory if that fails.
   *
   * @param droppedBefore the count of dropped reports that the report contains
   */
  async add(report: EncodedReport, droppedBefore: number): Promise<SpooledReport> {
    const name = { number: this.#nextNumber, droppedBefore };
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

  /** Reads a report. Undefined when it is damaged: then it is counted and removed. */
  async read(report: SpooledReport): Promise<EncodedReport | undefined> {
    if (report.inMemory !== undefined) return report.inMemory;
    const file = await readFile(this.#path(report)).catch(() => Buffer.alloc(0));
    const read = decodeSpoolFile(file);
    if (read === undefined) {
      this.#corrupted += 1;
      this.#dropped += report.droppedBefore;
      this.#deps.log.warn('report in the spool is damaged', { number: report.number });
      await this.remove(report);
    }
    return read;
  }

  /** Never throws: the next run sends a file again that could not be removed. */
  async remove(report: SpooledReport): Promise<void> {
    this.#waiting = this.#waiting.filter((one) => one !== report);
    if (report.inMemory !== undefined) return;
    try {
      await rm(this.#path(report), { force: true });
    } catch (error) {
      this.#deps.log.warn('report not removed from the spool', { error });
    }
  }

  /** Moves a report behind all others, because it may be the one on which the server fails. */
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
    this.#dropped += 1 + report.droppedBefore;
    this.#deps.log.warn('report dropped: too many wait for the server', { number: report.number });
    await this.remove(report);
  }

  /** Returns true when the file is written and durable. */
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

/** Creates the folder (0700) and locks it against other agents. */
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
