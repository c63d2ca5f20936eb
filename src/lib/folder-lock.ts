import { join } from 'node:path';
import Libsql from 'libsql';
import { errorCode } from './error-details.ts';
import type { Service } from './service.ts';

/** Another process uses the folder. */
export class FolderInUseError extends Error {}

/**
 * Locks a folder against other nfm processes from `start` to `stop`. The kernel holds the lock
 * (fcntl), so it ends with the process, even after a crash. SQLite takes it, because Node has no
 * call for file locks.
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
      const isBusy = errorCode(cause) === 'SQLITE_BUSY';
      if (isBusy) throw new FolderInUseError(`another process uses ${this.#path}`, { cause });
      throw new Error(`cannot lock ${this.#path}`, { cause });
    }
  }

  async stop(): Promise<void> {
    // libsql's `close` does not end an open transaction or release its lock.
    this.#database?.exec('ROLLBACK');
    this.#database?.close();
    this.#database = undefined;
  }
}
