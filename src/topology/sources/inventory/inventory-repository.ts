import { createHash } from 'node:crypto';
import { type Database, type Migration, runMigrations } from '../../../lib/database.ts';
import type { Owner } from '../../../model/owner.ts';

/** The stored inventory of an account. `region` applies to networks that name none. */
export interface StoredInventory extends Owner {
  readonly text: string;
}

type InventoryTables = {
  readonly topology_inventory: {
    readonly account: string;
    readonly region: string;
    readonly text: string;
    readonly sha256: string;
  };
};

export const INVENTORY_MIGRATIONS: readonly Migration[] = [
  {
    name: '001-inventory',
    async up(database) {
      await database.schema
        .createTable('topology_inventory')
        .addColumn('account', 'text', (column) => column.primaryKey())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('sha256', 'text', (column) => column.notNull())
        .execute();
    },
  },
];

/** Stores one inventory per account in the control database. */
export class InventoryRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async migrate(): Promise<void> {
    await runMigrations(this.#database, 'topology inventory', INVENTORY_MIGRATIONS);
  }

  /** A hash of the inventory of each account, to detect changes. */
  async versions(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#tables
      .selectFrom('topology_inventory')
      .select(['account', 'sha256'])
      .execute();
    return new Map(rows.map(({ account, sha256 }) => [account, sha256]));
  }

  async get(account: string): Promise<StoredInventory | undefined> {
    return await this.#tables
      .selectFrom('topology_inventory')
      .select(['account', 'region', 'text'])
      .where('account', '=', account)
      .executeTakeFirst();
  }

  async put({ account, region, text }: StoredInventory): Promise<void> {
    const sha256 = createHash('sha256').update(`${region}\n${text}`).digest('hex');
    await this.#tables
      .insertInto('topology_inventory')
      .values({ account, region, text, sha256 })
      .onConflict((conflict) => conflict.column('account').doUpdateSet({ region, text, sha256 }))
      .execute();
  }

  /** @returns whether the account had one */
  async delete(account: string): Promise<boolean> {
    const { numDeletedRows } = await this.#tables
      .deleteFrom('topology_inventory')
      .where('account', '=', account)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  get #tables() {
    return this.#database.withTables<InventoryTables>();
  }
}
