import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MasterKey } from '../../auth/master-key.ts';
import { replaceFile } from '../../lib/durable-file.ts';
import { errorCode } from '../../lib/error-details.ts';
import type { InstallationMark } from '../../model/installation-mark.ts';

/**
 * Ties the parts of a data folder together. Each start writes the next generation into every part,
 * and into the manifest last. So no part is ever older than the manifest. After a start that a
 * crash interrupted, a part may be newer by one generation, never by more.
 */
export interface Manifest extends InstallationMark {
  readonly format: 1;
  /** The journal's id in the store. */
  readonly journalId: number;
  /** The highest batch number that was noted when the manifest was written. */
  readonly batch: number;
  /** The newest journal segment at that time. */
  readonly segment: number;
  /** The last time known, see `AgeClock`. */
  readonly knownMillis?: number | undefined;
  /** The start of the SHA-256 of the master key. */
  readonly masterKey: string;
}

/** Returns undefined when the file is missing. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new Error(`cannot read ${path}`, { cause });
  }
}

export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const file = await replaceFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
  await file.close();
}

/** The manifest of a folder whose parts are being created. */
export function newManifest(installation: string): Manifest {
  return {
    ...{ format: 1, installation, generation: 0 },
    ...{ journalId: 0, batch: 0, segment: 0, masterKey: '' },
  };
}

export function fingerprintOf(key: MasterKey): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}
