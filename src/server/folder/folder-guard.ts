import { markInstallation } from '../../control/installation-table.ts';
import {
  type BatchLedger,
  MAX_BATCH_NUMBER,
  splitStoreNumber,
  storeNumber,
} from '../../journal/batch-ledger.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Database } from '../../lib/database.ts';
import type { InstallationMark } from '../../model/installation-mark.ts';
import type { FlowStore } from '../../store/flow-store.ts';
import { ConfigError } from '../config.ts';
import { type DataFolder, isThere } from './data-folder.ts';
import { findProblems, type Problem, problemText } from './find-problems.ts';
import {
  controlPart,
  type FolderFacts,
  markJournal,
  type Part,
  readFacts,
} from './folder-facts.ts';
import { type Manifest, newManifest, writeManifest } from './manifest.ts';

export interface FolderGuardDeps {
  readonly folder: DataFolder;
  readonly isControlInside: boolean;
  readonly isStoreInside: boolean;
  readonly newId: () => string;
}

/** The parts that a start marks once all of them are open. */
export interface OpenParts {
  readonly database: Database;
  readonly ledger: BatchLedger;
  readonly journal: Journal;
  readonly store: FlowStore;
  /** Saves the memory of accepted reports with the mark of this start. */
  readonly saveAccepted: () => Promise<void>;
  /** The last time known, see `AgeClock`. */
  readonly knownMillis: () => number | undefined;
  /** `fingerprintOf` the master key. */
  readonly masterKey: string;
}

/**
 * Refuses to start on a data folder whose parts do not belong together, before anything is made
 * anew in it, and marks the parts at each start (see `Manifest`).
 */
export class FolderGuard {
  readonly #deps: FolderGuardDeps;
  /** The mark that this start writes into every part. */
  readonly mark: InstallationMark;
  #manifest: Manifest;

  private constructor(deps: FolderGuardDeps, manifest: Manifest) {
    this.#deps = deps;
    this.#manifest = manifest;
    const { installation, generation } = manifest;
    this.mark = { installation, generation: generation + 1 };
  }

  /**
   * Looks for missing files, before the control database and the master key are created.
   *
   * @throws ConfigError when a part is missing
   */
  static async open(deps: FolderGuardDeps): Promise<FolderGuard> {
    const { folder } = deps;
    const facts = await readOutside(deps);
    refuse(
      folder,
      findProblems(facts).filter(({ state }) => state === 'missing'),
    );
    if (facts.manifest !== undefined) return new FolderGuard(deps, facts.manifest);
    const manifest = newManifest(deps.newId());
    if (isEmpty(facts)) await writeManifest(folder.manifest, manifest);
    return new FolderGuard(deps, manifest);
  }

  /** The guard of a repaired folder, whose parts get the generation after `manifest`'s. */
  static after(folder: DataFolder, manifest: Manifest): FolderGuard {
    const deps = { folder, isControlInside: true, isStoreInside: true, newId: () => '' };
    return new FolderGuard(deps, manifest);
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Checks the parts that are files, and the control database. @throws ConfigError */
  async checkFiles(database: Database): Promise<void> {
    const { folder } = this.#deps;
    const facts = await readFacts(folder);
    const control = await controlPart(database, this.#manifest.installation);
    refuse(folder, findProblems({ ...facts, control }));
  }

  /** Checks the store, which is open now. @throws ConfigError */
  async checkStore(store: FlowStore): Promise<void> {
    const { folder } = this.#deps;
    const facts = await readFacts(folder);
    refuse(
      folder,
      findProblems({
        ...facts,
        store: await storePart(store, { ...this.#manifest, ...facts.ledger }),
      }),
    );
  }

  /** Writes the mark into every part, and into the manifest last. */
  async markParts(parts: OpenParts): Promise<void> {
    const { mark } = this;
    await markInstallation(parts.database, mark);
    await parts.ledger.setMark(mark);
    await markJournal(this.#deps.folder.journal, mark);
    await parts.saveAccepted();
    await parts.store.markInstallation(mark);
    await this.note(parts, mark);
  }

  /** Notes the newest batch and segment in the manifest. */
  async note(
    { ledger, journal, masterKey, knownMillis }: Omit<OpenParts, 'database' | 'store'>,
    mark: InstallationMark = this.#manifest,
  ): Promise<void> {
    const { installation, generation } = mark;
    this.#manifest = {
      ...{ format: 1, installation, generation },
      journalId: ledger.journalId,
      batch: ledger.highestNumber,
      segment: journal.segments().at(-1) ?? 0,
      masterKey,
      knownMillis: knownMillis(),
    };
    await writeManifest(this.#deps.folder.manifest, this.#manifest);
  }
}

/** Reads the facts that need neither the control database nor the store to be open. */
export async function readOutside(deps: Omit<FolderGuardDeps, 'newId'>): Promise<FolderFacts> {
  const { folder, isControlInside, isStoreInside } = deps;
  return {
    ...(await readFacts(folder)),
    ...(isControlInside && { control: { exists: await isThere(folder.database) } }),
    ...(isStoreInside && { store: { exists: await isThere(folder.store) } }),
  };
}

/**
 * Reads the mark of the open store, and the highest batch number in the store above the ledger's
 * highest, if there is one.
 */
export async function storePart(
  store: FlowStore,
  of: { readonly installation: string; readonly journalId: number; readonly highestNumber: number },
): Promise<Part & { readonly highestNumber: number | undefined }> {
  const { installation, journalId } = of;
  const generation = await store.installationGeneration(installation);
  const highest = await store.highestBatch(
    storeNumber(journalId, of.highestNumber + 1),
    storeNumber(journalId, MAX_BATCH_NUMBER),
  );
  return {
    exists: true,
    mark: generation === undefined ? undefined : { installation, generation },
    highestNumber: highest === undefined ? undefined : splitStoreNumber(highest).number,
  };
}

function isEmpty({ masterKey, ledger, journal, control, store, hasCredentials }: FolderFacts) {
  const parts = [masterKey, ledger, journal, control, store];
  return !hasCredentials && parts.every((part) => part?.exists !== true);
}

function refuse({ path }: DataFolder, problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  throw new ConfigError(
    `data: in ${path}, ${problemText(problems)}; restore a backup in which all parts are of one time, or run nfm store repair --data ${path} to see what can be done`,
  );
}
