import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { loadMasterKey } from '../../auth/master-key.ts';
import { BatchLedger } from '../../journal/batch-ledger.ts';
import { Journal } from '../../journal/journal.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Database, openDatabase } from '../../lib/database.ts';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import type { Log } from '../../lib/log.ts';
import { Metrics } from '../../lib/metrics.ts';
import { saveAccepted } from '../../publish/accepted-file.ts';
import { AcceptedReports } from '../../publish/accepted-reports.ts';
import { FlowStore } from '../../store/flow-store.ts';
import {
  acceptedMemory,
  journalOptions,
  MAX_INFLATED_BYTES,
} from '../compose/compose-data-plane.ts';
import { storeOptions } from '../compose/compose-store.ts';
import { ConfigError, type ServerConfig } from '../config.ts';
import { type DataFolder, isThere, keepFormerFile } from '../folder/data-folder.ts';
import { findProblems, type PartName, type Problem } from '../folder/find-problems.ts';
import { controlPart, type FolderFacts } from '../folder/folder-facts.ts';
import { FolderGuard, readOutside, storePart } from '../folder/folder-guard.ts';
import { fingerprintOf, newManifest } from '../folder/manifest.ts';
import { rebuildLedger } from './rebuild-ledger.ts';

export interface RepairDeps {
  readonly config: ServerConfig;
  readonly folder: DataFolder;
  readonly log: Log;
}

/** The parts of a stopped server's data folder, open or read, and what is wrong with them. */
export interface Diagnosis {
  readonly facts: FolderFacts;
  readonly problems: readonly Problem[];
}

/** If one of these parts is wrong, the ledger is made anew. */
const LEDGER_DEPENDS_ON: readonly PartName[] = ['batches.log', 'journal', 'store'];

/** Looks into every part that exists and creates none. */
export async function diagnose(deps: RepairDeps, store: FlowStore | undefined): Promise<Diagnosis> {
  const { config, folder } = deps;
  const outside = await readOutside({ folder, ...placesOf(config) });
  const installation = installationOf(outside);
  const control = await withControl(deps, (database) => controlPart(database, installation));
  const facts: FolderFacts = {
    ...outside,
    control: control ?? { exists: false },
    store:
      store === undefined
        ? { exists: false }
        : await storePart(store, { installation, ...outside.ledger, ...journalOf(outside) }),
  };
  return { facts, problems: findProblems(facts) };
}

/** Opens the store of the folder, if it is there or outside the folder. */
export async function openExistingStore(deps: RepairDeps): Promise<FlowStore | undefined> {
  if (placesOf(deps.config).isStoreInside && !(await isThere(deps.folder.store))) return undefined;
  return await openStore(deps);
}

export async function repair(
  deps: RepairDeps,
  { facts, problems }: Diagnosis,
  existing: FlowStore | undefined,
): Promise<void> {
  const { config, folder, log } = deps;
  const has = (part: PartName) => problems.find((problem) => problem.part === part);
  if (has('master.key') || has('control database')?.state === 'missing') await renameControl(deps);
  await mkdir(folder.journal, { recursive: true, mode: 0o700 });
  const masterKey = await loadMasterKey({ path: folder.masterKey, random: randomBytes });
  const database = await openDatabase({ url: controlUrl(deps) });
  const store = existing ?? (await openStore(deps));
  const metrics = new Metrics();
  const journal = new Journal({ options: journalOptions(deps), log, metrics });
  const ledger = new BatchLedger({
    path: folder.ledger,
    randomJournalId: () => randomInt(2 ** 24),
  });
  const accepted = new AcceptedReports({ clock: systemClock, metrics });
  await journal.start();
  await ledger.start();
  try {
    if (LEDGER_DEPENDS_ON.some(has)) {
      await rebuildLedger(ledger, {
        ...{ journal, store, maxInflatedBytes: MAX_INFLATED_BYTES },
        journalId: await journalIdOf(facts, { store, ledger }),
        usedNumber: Math.max(facts.manifest?.batch ?? 0, facts.ledger.highestNumber),
        retentionSeconds: config.retentionDays * SECONDS_A_DAY,
      });
    }
    await acceptedMemory({ path: folder.accepted, accepted, journal }).start();
    const guard = FolderGuard.after(folder, newestMark(facts));
    await guard.markParts({
      ...{ database, ledger, journal, store, masterKey: fingerprintOf(masterKey) },
      knownMillis: () => facts.manifest?.knownMillis,
      saveAccepted: () => saveAccepted(folder.accepted, accepted, guard.mark),
    });
  } finally {
    await ledger.stop();
    await journal.stop();
    if (existing === undefined) await store.stop();
    await database.destroy();
  }
}

/** The highest generation of any part, so that the next one is new to all. */
function newestMark(facts: FolderFacts) {
  const installation = installationOf(facts);
  const parts = [facts.ledger, facts.journal, facts.accepted, facts.control, facts.store];
  const marks = [facts.manifest, ...parts.map((part) => part?.mark)].filter(
    (mark) => mark?.installation === installation,
  );
  const generation = Math.max(0, ...marks.map((mark) => mark?.generation ?? 0));
  return { ...(facts.manifest ?? newManifest(installation)), installation, generation };
}

function installationOf({ manifest, ledger, journal, accepted }: FolderFacts): string {
  const marked = [ledger, journal, accepted].find(({ mark }) => mark !== undefined);
  return manifest?.installation ?? marked?.mark?.installation ?? randomUUID();
}

/** The id of the journal by the manifest, or by the ledger of a folder without one. */
function journalOf({ manifest, ledger }: FolderFacts): { readonly journalId: number } {
  const isKnown = manifest !== undefined && manifest.generation > 0;
  return { journalId: isKnown ? manifest.journalId : ledger.journalId };
}

/**
 * The id that the journal's batches have in the store. A folder without manifest and ledger takes
 * the only id that the store has, because with another one everything would be stored again.
 */
async function journalIdOf(
  facts: FolderFacts,
  { store, ledger }: { readonly store: FlowStore; readonly ledger: BatchLedger },
): Promise<number> {
  if (facts.ledger.exists || (facts.manifest?.generation ?? 0) > 0) {
    return journalOf(facts).journalId;
  }
  const [first = ledger.journalId, ...others] = await store.journalIds();
  if (others.length === 0) return first;
  throw new ConfigError(
    'batches.log and manifest.json are missing, and the store has rows of several servers: restore one of the two files',
  );
}

/** The keys in the control database cannot be read without the master key, so both go together. */
async function renameControl({ config, folder }: RepairDeps): Promise<void> {
  if (config.database !== '') {
    throw new ConfigError(
      'the keys in PostgreSQL belong to a master key that is not here: restore master.key, or choose an empty database',
    );
  }
  const { database, masterKey, credentials } = folder;
  for (const path of [`${database}-wal`, `${database}-shm`, database, masterKey, credentials]) {
    await keepFormerFile(path);
  }
}

async function withControl<Result>(
  deps: RepairDeps,
  look: (database: Database) => Promise<Result>,
): Promise<Result | undefined> {
  if (deps.config.database === '' && !(await isThere(deps.folder.database))) return undefined;
  const database = await openDatabase({ url: controlUrl(deps) });
  try {
    return await look(database);
  } finally {
    await database.destroy();
  }
}

function controlUrl({ config, folder }: RepairDeps): string {
  return config.database === '' ? `sqlite:${folder.database}` : config.database;
}

function placesOf(config: ServerConfig) {
  return { isControlInside: config.database === '', isStoreInside: config.clickhouseUrl === '' };
}

async function openStore(deps: RepairDeps): Promise<FlowStore> {
  const store = new FlowStore({
    options: storeOptions(deps),
    log: deps.log,
    metrics: new Metrics(),
  });
  await store.start();
  return store;
}
