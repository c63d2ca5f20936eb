import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../../lib/log.ts';
import { Loop } from '../../../lib/loop.ts';
import { type SettingValues, textSetting } from '../../../lib/setting.ts';
import { Turns } from '../../../lib/turns.ts';
import { ApiError } from '../../../model/api-error.ts';
import type { Owner } from '../../../model/owner.ts';
import type { SourceSlice } from '../../graph/source-statement.ts';
import type { TopologySource } from '../../topology-source.ts';
import type { SliceContent, SliceReader } from '../slice-reader.ts';
import type { SourceDeps } from '../source-kind.ts';
import { InventoryRepository } from './inventory-repository.ts';
import { problemText, readInventory } from './read-inventory.ts';
import { compileSchemaCheck, type SchemaCheck } from './schema-problems.ts';

export const INVENTORY_SETTINGS = {
  inventory: textSetting(
    '',
    'YAML or JSON file of networks that no API describes; read again when it changes',
  ),
};

export function createInventorySource(
  { inventory: file, account, region }: SettingValues<typeof INVENTORY_SETTINGS> & Owner,
  { reader, database, slices, log }: SourceDeps,
): InventorySource {
  const repository = new InventoryRepository(database);
  return new InventorySource({ reader, repository, slices, file, owner: { account, region }, log });
}

export interface InventorySourceDeps {
  readonly reader: SliceReader;
  readonly repository: InventoryRepository;
  /** Slices that count now: of a file that is not given any more, too. */
  readonly slices: () => readonly SourceSlice[];
  /** A file to follow; "" for none. */
  readonly file: string;
  /** Whose the file's networks are that do not say so themselves. */
  readonly owner: Owner;
  readonly log: Log;
}

/**
 * A file is looked at rather than watched by inotify, which misses network file systems and the links
 * by which Kubernetes swaps its volumes. What other servers were given is looked up just so.
 */
const LOOK_MILLIS = 2_000;
const MAX_BYTES = 1024 * 1024;

/** A document that must be changed before it can be read. */
class BadInventoryError extends Error {}

/**
 * Inventories: a file that is followed, and one for each account that put one. Each is a slice; a bad
 * one changes nothing, and the one before stays in force.
 */
export class InventorySource implements TopologySource {
  readonly name = 'inventory';
  readonly #deps: InventorySourceDeps;
  readonly #loop = new Loop({
    round: () => this.#turns.take(() => this.#look()),
    everyMillis: LOOK_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot look for inventories', { error }),
  });
  /** By slice, the version that was read last, well or not. */
  readonly #seen = new Map<string, string>();
  /** Made with the first document: most servers never see one. */
  #check: SchemaCheck | undefined;
  /** A look must not run while an inventory is being put: it would compare half of the change. */
  readonly #turns = new Turns();

  constructor(deps: InventorySourceDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    await this.#deps.repository.migrate();
    await this.#turns.take(() => this.#look());
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#turns.idle();
  }

  /** The text of an account's inventory as it was put. */
  async get(account: string): Promise<string | undefined> {
    return (await this.#deps.repository.get(account))?.text;
  }

  /**
   * Puts an account's inventory in the place of the one before; it counts when this resolves.
   *
   * @returns how many resources it names
   * @throws ApiError ValidationException with all that is wrong with it, a line each
   */
  async put(owner: Owner, text: string): Promise<number> {
    const content = await this.#readText(text, owner).catch((error) => {
      if (!(error instanceof BadInventoryError)) throw error;
      throw new ApiError('ValidationException', error.message, { cause: error });
    });
    return await this.#turns.take(async () => {
      await this.#deps.repository.put({ ...owner, text });
      await this.#read(owner.account, async () => content);
      return content.resources.length;
    });
  }

  /** Whether the account had an inventory; what only that named is gone when this resolves. */
  delete(account: string): Promise<boolean> {
    return this.#turns.take(async () => {
      const wasThere = await this.#deps.repository.delete(account);
      if (wasThere) await this.#withdraw(account);
      return wasThere;
    });
  }

  async #look(): Promise<void> {
    const { file, repository, slices } = this.#deps;
    if (file !== '') await this.#lookAtFile(file);
    const versions = await repository.versions();
    for (const [account, version] of versions) await this.#lookAtAccount(account, version);
    for (const { source, slice } of slices()) {
      const isGone = source === 'inventory' && slice !== file && !versions.has(slice);
      if (isGone) await this.#withdraw(slice);
    }
  }

  async #lookAtFile(file: string): Promise<void> {
    const found = await stat(file).catch((cause: Error) => {
      return new BadInventoryError(`cannot read the inventory: ${cause.message}`, { cause });
    });
    const isFound = !(found instanceof Error);
    const version = isFound ? `${found.ino} ${found.size} ${found.mtimeMs}` : found.message;
    await this.#readChanged(file, version, async () => {
      if (!isFound) throw found;
      if (found.size > MAX_BYTES) throw tooLarge();
      return await this.#readText(await readFile(file, 'utf8'), this.#deps.owner);
    });
  }

  async #lookAtAccount(account: string, version: string): Promise<void> {
    await this.#readChanged(account, version, async () => {
      const stored = await this.#deps.repository.get(account);
      // Deleted a moment ago by another server: withdrawn at the next look.
      if (stored === undefined) return { resources: [], warnings: [] };
      return await this.#readText(stored.text, stored);
    });
  }

  /** Reads a version that was not read before; why it could not be read was told. */
  async #readChanged(
    slice: string,
    version: string,
    read: () => Promise<SliceContent>,
  ): Promise<void> {
    if (this.#seen.get(slice) === version) return;
    this.#seen.set(slice, version);
    await this.#read(slice, read).catch((error) => {
      // The document is not to blame: it is read again.
      if (!(error instanceof BadInventoryError)) this.#seen.delete(slice);
    });
  }

  async #read(slice: string, read: () => Promise<SliceContent>): Promise<void> {
    await this.#deps.reader.read({ source: 'inventory', slice }, read, this.#loop.signal);
  }

  async #withdraw(slice: string): Promise<void> {
    await this.#deps.reader.withdraw({ source: 'inventory', slice });
    this.#seen.delete(slice);
  }

  /** @throws BadInventoryError all that is wrong with it */
  async #readText(text: string, fallback: Owner): Promise<SliceContent> {
    if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge();
    this.#check ??= compileSchemaCheck();
    const reading = await readInventory(text, { fallback, check: this.#check });
    if (reading.status === 'refused') throw new BadInventoryError(problemText(reading.problems));
    return { resources: reading.resources, warnings: [] };
  }
}

function tooLarge(): BadInventoryError {
  return new BadInventoryError(`at most ${MAX_BYTES} bytes are taken`);
}
