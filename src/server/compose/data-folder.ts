import { access, chmod, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../lib/error-details.ts';
import { ConfigError } from '../config.ts';

/** The paths of the server's files in the data folder. */
export interface DataFolder {
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
  return {
    journal: join(path, 'journal'),
    ledger: join(path, 'batches.log'),
    accepted: join(path, 'accepted.json'),
    store: join(path, 'clickhouse'),
    database: join(path, 'control.db'),
    masterKey: join(path, 'master.key'),
    credentials: join(path, 'credentials'),
  };
}
