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
  /** The slices in the graph, that of a file no longer configured included. */
  readonly slices: () => readonly SourceSlice[];
  /** The path of a file to read again when it changes; "" for none. */
  readonly file: string;
  /** The owner of networks in the file that name none. */
  readonly owner: Owner;
  readonly log: Log;
}

/**
 * Changes are found by polling. inotify misses network file systems and the symbolic links that
 * Kubernetes swaps in its volumes. Inventories that other servers stored are found in the same way.
 */
const POLL_MILLIS = 2_000;
const MAX_BYTES = 1024 * 1024;

/** The document is at fault, so reading it again without a change is useless. */
class BadInventoryError extends Error {}

/**
 * Reads inventories: a file, and one document per account that has put one. Each is a slice. A
 * faulty document changes nothing: the previous one stays in force.
 */
export class InventorySource implements TopologySource {
  readonly name = 'inventory';
  readonly #deps: InventorySourceDeps;
  readonly #loop = new Loop({
    round: () => this.#turns.take(() => this.#poll()),
    everyMillis: POLL_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot poll inventories', { error }),
  });
  /** The last version read of each slice, successfully or not. */
  readonly #seen = new Map<string, string>();
  /** Compiled with the first document, because most servers never get one. */
  #check: SchemaCheck | undefined;
  /** Keeps a poll from overlapping with a put or delete, of which it would read only half. */
  readonly #turns = new Turns();

  constructor(deps: InventorySourceDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    await this.#deps.repository.migrate();
    await this.#turns.take(() => this.#poll());
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#turns.idle();
  }

  /** The text of an account's inventory, unchanged. */
  async get(account: string): Promise<string | undefined> {
    return (await this.#deps.repository.get(account))?.text;
  }

  /**
   * Replaces an account's inventory. The new one is in force when this resolves.
   *
   * @returns the number of its resources
   * @throws ApiError ValidationException with all faults, one per line
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

  /** Deletes an inventory and ends its resources. @returns whether the account had one */
  delete(account: string): Promise<boolean> {
    return this.#turns.take(async () => {
      const wasThere = await this.#deps.repository.delete(account);
      if (wasThere) await this.#withdraw(account);
      return wasThere;
    });
  }

  async #poll(): Promise<void> {
    const { file, repository, slices } = this.#deps;
    if (file !== '') await this.#pollFile(file);
    const versions = await repository.versions();
    for (const [account, version] of versions) await this.#pollAccount(account, version);
    for (const { source, slice } of slices()) {
      const isGone = source === 'inventory' && slice !== file && !versions.has(slice);
      if (isGone) await this.#withdraw(slice);
    }
  }

  async #pollFile(file: string): Promise<void> {
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

  async #pollAccount(account: string, version: string): Promise<void> {
    await this.#readChanged(account, version, async () => {
      const stored = await this.#deps.repository.get(account);
      // Another server deleted it a moment ago. The next poll withdraws it.
      if (stored === undefined) return { resources: [], warnings: [] };
      return await this.#readText(stored.text, stored);
    });
  }

  /** Reads a slice if its version has changed. The reader reports a failure. */
  async #readChanged(
    slice: string,
    version: string,
    read: () => Promise<SliceContent>,
  ): Promise<void> {
    if (this.#seen.get(slice) === version) return;
    this.#seen.set(slice, version);
    await this.#read(slice, read).catch((error) => {
      // The document is not at fault, so the next poll reads it again.
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

  /** @throws BadInventoryError with all faults */
  async #readText(text: string, fallback: Owner): Promise<SliceContent> {
    if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge();
    this.#check ??= compileSchemaCheck();
    const reading = await readInventory(text, { fallback, check: this.#check });
    if (reading.status === 'refused') throw new BadInventoryError(problemText(reading.problems));
    return { resources: reading.resources, warnings: [] };
  }
}

function tooLarge(): BadInventoryError {
  return new BadInventoryError(`larger than ${MAX_BYTES} bytes`);
}
