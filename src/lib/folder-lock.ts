import { join } from 'node:path';
import Libsql from 'libsql';
import type { Service } from './service.ts';

/** The folder is in use by another process. */
export class FolderInUseError extends Error {}

/**
 * Keeps other processes of ours out of a folder from `start` to `stop`, or to the end of the
 * process however it ends: the lock is the kernel's (fcntl), taken by SQLite, as Node offers none.
 */
export class FolderLock implements Service {
  readonly name = 'folder lock';
  readonly #path: string;
  #database: Libsql.Database | undefined;

  constructor(folder: string) {
    this.#path = join(folder, 'lock.db');
  }

  /** @throws FolderInUseError */
  async start(): Promise<void> {
    const database = new Libsql(this.#path);
    try {
      database.pragma('busy_timeout = 0');
      database.exec('BEGIN EXCLUSIVE');
      this.#database = database;
    } catch (cause) {
      database.close();
      const isBusy = (cause as { code?: string }).code === 'SQLITE_BUSY';
      if (isBusy) throw new FolderInUseError(`another process uses ${this.#path}`, { cause });
      throw new Error(`cannot lock ${this.#path}`, { cause });
    }
  }

  async stop(): Promise<void> {
    // libsql's close leaves an open transaction, and its lock, as they are.
    this.#database?.exec('ROLLBACK');
    this.#database?.close();
    this.#database = undefined;
  }
}
