import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseMasterKey } from '../../auth/master-key.ts';
import { installationGeneration } from '../../control/installation-table.ts';
import { BatchLedger } from '../../journal/batch-ledger.ts';
import { segmentOfName } from '../../journal/segment.ts';
import { type Database, hasTable } from '../../lib/database.ts';
import { replaceFile } from '../../lib/durable-file.ts';
import { errorCode } from '../../lib/error-details.ts';
import type { InstallationMark } from '../../model/installation-mark.ts';
import { type DataFolder, isThere } from './data-folder.ts';
import { fingerprintOf, type Manifest, readManifest } from './manifest.ts';

/** One part of a data folder. A mark is absent if no start wrote one into it. */
export interface Part {
  readonly exists: boolean;
  readonly mark?: InstallationMark | undefined;
}

export interface LedgerPart extends Part {
  readonly journalId: number;
  readonly highestNumber: number;
  /** The segment of the first record without a batch. */
  readonly resumeSegment: number;
}

export interface JournalPart extends Part {
  readonly newestSegment: number;
  readonly hasRecords: boolean;
}

/** The state of a data folder's parts; a part that was not looked at is absent. */
export interface FolderFacts {
  readonly manifest: Manifest | undefined;
  readonly masterKey: Part & { readonly fingerprint: string };
  readonly hasCredentials: boolean;
  readonly ledger: LedgerPart;
  readonly journal: JournalPart;
  readonly accepted: Part;
  /** Absent when the control database is outside the folder and not open. */
  readonly control?: Part | undefined;
  /** Absent when the store is outside the folder and not open. */
  readonly store?: (Part & { readonly highestNumber?: number | undefined }) | undefined;
}

const MARK_FILE = 'mark.json';

/** A segment file without records has at most its header. */
const HEADER_BYTES = 64;

/** Reads the files and changes none. */
export async function readFacts(folder: DataFolder): Promise<FolderFacts> {
  return {
    manifest: await readManifest(folder.manifest),
    masterKey: await masterKeyPart(folder.masterKey),
    hasCredentials: await isThere(folder.credentials),
    ledger: await ledgerPart(folder.ledger),
    journal: await journalPart(folder.journal),
    accepted: await acceptedPart(folder.accepted),
  };
}

/** Whether the control database has keys, and its mark of an installation. */
export async function controlPart(database: Database, installation: string): Promise<Part> {
  const generation = await installationGeneration(database, installation);
  const exists = generation !== undefined || (await hasTable(database, 'access_key'));
  return { exists, mark: generation === undefined ? undefined : { installation, generation } };
}

export async function markJournal(folder: string, mark: InstallationMark): Promise<void> {
  const file = await replaceFile(join(folder, MARK_FILE), JSON.stringify(mark));
  await file.close();
}

async function masterKeyPart(path: string): Promise<FolderFacts['masterKey']> {
  const text = await textOf(path);
  const fingerprint = text === undefined ? '' : fingerprintOf(parseMasterKey(text));
  return { exists: text !== undefined, fingerprint };
}

async function ledgerPart(path: string): Promise<LedgerPart> {
  const ledger = new BatchLedger({ path, randomJournalId: () => 0 });
  const exists = await ledger.load();
  const { mark, journalId, highestNumber, resume } = ledger;
  return { exists, mark, journalId, highestNumber, resumeSegment: resume.segment };
}

async function journalPart(path: string): Promise<JournalPart> {
  const names = await readdir(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw new Error(`cannot read ${path}`, { cause: error });
  });
  const segments = names.filter((name) => segmentOfName(name) !== undefined);
  const sizes = segments.map(async (name) => (await stat(join(path, name))).size);
  return {
    exists: segments.length > 0,
    mark: await markOf(join(path, MARK_FILE)),
    newestSegment: Math.max(0, ...segments.map((name) => segmentOfName(name) ?? 0)),
    hasRecords: (await Promise.all(sizes)).some((size) => size > HEADER_BYTES),
  };
}

async function acceptedPart(path: string): Promise<Part> {
  const text = await textOf(path);
  if (text === undefined) return { exists: false };
  return { exists: true, mark: (JSON.parse(text) as { mark?: InstallationMark }).mark };
}

async function markOf(path: string): Promise<InstallationMark | undefined> {
  const text = await textOf(path);
  return text === undefined ? undefined : (JSON.parse(text) as InstallationMark);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new Error(`cannot read ${path}`, { cause });
  }
}
