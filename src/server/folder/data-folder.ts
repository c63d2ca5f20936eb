import { access, chmod, constants, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../lib/durable-file.ts';
import { errorCode } from '../../lib/error-details.ts';
import { ConfigError } from '../config.ts';

/** The paths of the server's files in the data folder. */
export interface DataFolder {
  readonly path: string;
  readonly manifest: string;
  readonly journal: string;
  readonly ledger: string;
  readonly accepted: string;
  readonly store: string;
  readonly database: string;
  readonly masterKey: string;
  readonly credentials: string;
}

/**
 * Creates the data folder (mode 0700) and checks that it is writable.
 *
 * @throws ConfigError when it is not
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    await chmod(path, 0o700);
  } catch (cause) {
    const code = errorCode(cause) ?? 'error';
    throw new ConfigError(
      `data: cannot write the folder ${path} (${code}); choose one that this user may write`,
      { cause },
    );
  }
  return dataFolderPaths(path);
}

export function dataFolderPaths(path: string): DataFolder {
  return {
    path,
    manifest: join(path, 'manifest.json'),
    journal: join(path, 'journal'),
    ledger: join(path, 'batches.log'),
    accepted: join(path, 'accepted.json'),
    store: join(path, 'clickhouse'),
    database: join(path, 'control.db'),
    masterKey: join(path, 'master.key'),
    credentials: join(path, 'credentials'),
  };
}

/**
 * Renames a file to `NAME.old-1`, or the next number that is free, because its content may be
 * needed. Does nothing when the file is missing.
 */
export async function keepFormerFile(path: string): Promise<string | undefined> {
  if (!(await isThere(path))) return undefined;
  for (let number = 1; ; number += 1) {
    const former = `${path}.old-${number}`;
    if (await isThere(former)) continue;
    await rename(path, former);
    await syncFolder(dirname(path));
    return former;
  }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw new Error(`cannot read ${path}`, { cause });
  }
}
