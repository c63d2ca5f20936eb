import type { Clock } from '../lib/clock.ts';
import { type Database, hasTable, type Migration, runMigrations } from '../lib/database.ts';
import type { AddressClaim } from './address-book.ts';

type ClaimRow = {
  readonly account: string;
  readonly region: string;
  readonly vpc_id: string;
  readonly address: string;
  readonly instance_id: string;
  readonly from_seconds: number;
  readonly last_seen_seconds: number;
  readonly prefix: string;
  readonly subnet_id: string;
  readonly az: string;
};

type ClaimTables = {
  readonly topology_address_claims: ClaimRow;
};

const COLUMNS = [
  'account',
  'region',
  'vpc_id',
  'address',
  'instance_id',
  'from_seconds',
  'last_seen_seconds',
  'prefix',
  'subnet_id',
  'az',
] as const;

export interface ClaimRepositoryDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** Claims last seen longer ago are deleted: no stored flow is that old. */
  readonly retentionSeconds: number;
}

const FORMER_KEY = ['vpc_id', 'address', 'instance_id', 'az', 'from_seconds', 'prefix'] as const;
/** The primary key of a claim. */
const KEY = ['account', 'region', ...FORMER_KEY] as const;

/**
 * Data folders exist in three states. The first `001-claims` created `topology_claims`, whose key
 * lacks the prefix; some folders have only this migration. In others `002-key-by-prefix` has moved
 * its rows. The rest began with a later `001-claims`, which creates the table that
 * `003-key-by-account` replaces.
 */
export const CLAIM_MIGRATIONS: readonly Migration[] = [
  { name: '001-claims', up: createClaims },
  {
    name: '002-key-by-prefix',
    async up(database) {
      if (!(await hasTable(database, 'topology_claims'))) return;
      await createClaims(database);
      const tables = database.withTables<ClaimTables & { topology_claims: ClaimRow }>();
      await tables
        .insertInto('topology_address_claims')
        .columns(COLUMNS)
        .expression(tables.selectFrom('topology_claims').select(COLUMNS))
        .execute();
      await database.schema.dropTable('topology_claims').execute();
    },
  },
  { name: '003-key-by-account', up: keyByAccount },
];

/** Adds the account and Region to the key: two accounts may name the same network and instance. */
async function keyByAccount(database: Database): Promise<void> {
  const table = 'topology_account_claims';
  await claimTable(database, table)
    .addPrimaryKeyConstraint(`${table}_key`, [...KEY])
    .execute();
  const tables = database.withTables<ClaimTables & { topology_account_claims: ClaimRow }>();
  await tables
    .insertInto(table)
    .columns(COLUMNS)
    .expression(tables.selectFrom('topology_address_claims').select(COLUMNS))
    .execute();
  await database.schema.dropTable('topology_address_claims').execute();
  await database.schema.alterTable(table).renameTo('topology_address_claims').execute();
}

async function createClaims(database: Database): Promise<void> {
  const table = 'topology_address_claims';
  await claimTable(database, table)
    .addPrimaryKeyConstraint(`${table}_key`, [...FORMER_KEY])
    .execute();
}

function claimTable(database: Database, name: string) {
  return database.schema
    .createTable(name)
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('vpc_id', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('instance_id', 'text', (column) => column.notNull())
    .addColumn('from_seconds', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_seconds', 'bigint', (column) => column.notNull())
    .addColumn('prefix', 'text', (column) => column.notNull())
    .addColumn('subnet_id', 'text', (column) => column.notNull())
    .addColumn('az', 'text', (column) => column.notNull());
}

/** Rows per statement. SQLite allows 32,766 parameters. */
const ROWS_A_STATEMENT = 500;

/** Stores the claims of hosts in the control database, so that they survive restarts. */
export class ClaimRepository {
  readonly #deps: ClaimRepositoryDeps;

  constructor(deps: ClaimRepositoryDeps) {
    this.#deps = deps;
  }

  /** Creates the table, deletes claims past retention, and reads the rest. */
  async load(): Promise<AddressClaim[]> {
    const { database } = this.#deps;
    await runMigrations(database, 'topology', CLAIM_MIGRATIONS);
    await this.deleteBefore(this.retentionStart());
    const tables = database.withTables<ClaimTables>();
    const rows = await tables.selectFrom('topology_address_claims').select(COLUMNS).execute();
    return rows.map(claimOfRow);
  }

  /** The start of retention, in seconds since 1970. */
  retentionStart(): number {
    return Math.floor(this.#deps.clock.now() / 1000) - this.#deps.retentionSeconds;
  }

  /** Deletes the claims last seen before a time. */
  async deleteBefore(oldestSeconds: number): Promise<void> {
    await this.#deps.database
      .withTables<ClaimTables>()
      .deleteFrom('topology_address_claims')
      .where('last_seen_seconds', '<', oldestSeconds)
      .execute();
  }

  /** Inserts new claims; of known ones it updates only `last_seen_seconds`. */
  async save(claims: readonly AddressClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const tables = this.#deps.database.withTables<ClaimTables>();
    await tables.transaction().execute(async (transaction) => {
      for (let i = 0; i < claims.length; i += ROWS_A_STATEMENT) {
        await transaction
          .insertInto('topology_address_claims')
          .values(claims.slice(i, i + ROWS_A_STATEMENT).map(rowOfClaim))
          .onConflict((conflict) =>
            conflict
              .columns(KEY)
              .doUpdateSet((row) => ({ last_seen_seconds: row.ref('excluded.last_seen_seconds') })),
          )
          .execute();
      }
    });
  }

  /** Deletes claims; those that are not stored are ignored. */
  async delete(claims: readonly AddressClaim[]): Promise<void> {
    if (claims.length === 0) return;
    const tables = this.#deps.database.withTables<ClaimTables>();
    await tables.transaction().execute(async (transaction) => {
      for (const row of claims.map(rowOfClaim)) {
        let query = transaction.deleteFrom('topology_address_claims');
        for (const column of KEY) query = query.where(column, '=', row[column]);
        await query.execute();
      }
    });
  }
}

function rowOfClaim(claim: AddressClaim): ClaimRow {
  const { endpoint } = claim;
  return {
    account: endpoint.account,
    region: endpoint.region,
    vpc_id: endpoint.vpcId,
    address: claim.address,
    instance_id: endpoint.instanceId,
    from_seconds: claim.fromSeconds,
    last_seen_seconds: claim.lastSeenSeconds,
    prefix: claim.prefix,
    subnet_id: endpoint.subnetId,
    az: endpoint.az,
  };
}

function claimOfRow(row: ClaimRow): AddressClaim {
  return {
    address: row.address,
    prefix: row.prefix,
    endpoint: {
      account: row.account,
      region: row.region,
      vpcId: row.vpc_id,
      subnetId: row.subnet_id,
      az: row.az,
      instanceId: row.instance_id,
    },
    fromSeconds: row.from_seconds,
    lastSeenSeconds: row.last_seen_seconds,
  };
}
