import { setTimeout } from 'node:timers/promises';
import {
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  type SqliteDatabase,
  SqliteDialect,
  sql,
} from 'kysely';
import Libsql from 'libsql';
import { postgresPool } from './postgres-pool.ts';

/**
 * A database without typed tables. Each component adds the types of its own tables:
 * `database.withTables<MyTables>()`.
 */
export type Database = Kysely<object>;

export interface DatabaseOptions {
  /** `sqlite:PATH` or `postgres://…`. `sqlite::memory:` lasts until the process ends. */
  readonly url: string;
  /** Called when a PostgreSQL connection breaks; the pool replaces it. */
  readonly onConnectionLost?: ((error: Error) => void) | undefined;
  /** PostgreSQL only: the longest wait for a connection, and for the result of a statement. */
  readonly connectMillis?: number | undefined;
  readonly statementMillis?: number | undefined;
}

/** A change to a component's tables. The database records `name`, so it must never change. */
export interface Migration {
  readonly name: string;
  up(database: Database): Promise<void>;
}

/**
 * Opens a SQLite file or a pool of PostgreSQL connections; `destroy()` closes it. A missing SQLite
 * file is created. SQLite uses one connection and a write-ahead log, and fsyncs every commit. Both
 * return integers as numbers, exact up to 2^53.
 *
 * @throws Error when the database cannot be opened or reached
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (options.url.startsWith('sqlite:')) return openSqlite(options.url.slice('sqlite:'.length));
  if (/^postgres(ql)?:\/\//.test(options.url)) return openPostgres(options);
  throw new Error('cannot open the database: its URL starts neither with sqlite: nor postgres://');
}

async function openSqlite(path: string): Promise<Database> {
  try {
    const database = new Libsql(path);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('busy_timeout = 5000');
    database.pragma('foreign_keys = ON');
    return new Kysely<object>({ dialect: new SqliteDialect({ database: guarded(database) }) });
  } catch (cause) {
    throw new Error(`cannot open the database ${path}`, { cause });
  }
}

/**
 * Rejects parameters that SQLite has no type for, because libsql 0.5 aborts the process on a
 * boolean.
 */
function guarded(database: Libsql.Database): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(text) {
      const statement = database.prepare(text);
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(checked(parameters)),
        run: (parameters) => statement.run(checked(parameters)),
        iterate: (parameters) => statement.iterate(checked(parameters)),
      };
    },
  };
}

function checked(parameters: readonly unknown[]): readonly unknown[] {
  for (const value of parameters) {
    const storable =
      value === null ||
      value instanceof Uint8Array ||
      typeof value === 'string' ||
      typeof value === 'bigint' ||
      (typeof value === 'number' && Number.isFinite(value));
    if (!storable) throw new TypeError(`cannot store a ${typeof value} in SQLite`);
  }
  return parameters;
}

async function openPostgres(options: DatabaseOptions): Promise<Database> {
  const pool = postgresPool(options);
  const database = new Kysely<object>({ dialect: new PostgresDialect({ pool }) });
  try {
    await sql`select 1`.execute(database);
    return database;
  } catch (cause) {
    await database.destroy();
    throw new Error('cannot reach the PostgreSQL database', { cause });
  }
}

/** Declared with `type`, because Kysely's `withTables` accepts no interface. */
type MigrationTables = {
  readonly migrations: {
    readonly component: string;
    readonly position: number;
    readonly name: string;
  };
};

/**
 * Runs the migrations of a component that the database has not recorded yet, in order and in one
 * transaction.
 *
 * @throws Error when a migration fails, or when a newer version has used the database; nothing is
 * changed then
 */
export async function runMigrations(
  database: Database,
  component: string,
  migrations: readonly Migration[],
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    await takeTurns(transaction);
    await createMigrationTable(transaction);
    const tables = transaction.withTables<MigrationTables>();
    const applied = await tables
      .selectFrom('migrations')
      .select('name')
      .where('component', '=', component)
      .orderBy('position')
      .execute();
    refuseUnknown(component, { applied: applied.map(({ name }) => name), migrations });
    for (const [position, migration] of migrations.entries()) {
      if (position < applied.length) continue;
      await migrate(transaction, component, migration);
      await tables
        .insertInto('migrations')
        .values({ component, position, name: migration.name })
        .execute();
    }
  });
}

/** Returns true when the database has a table of this name. */
export async function hasTable(database: Database, table: string): Promise<boolean> {
  const query = isPostgres(database)
    ? sql<{ found: number }>`select 1 as found where to_regclass(${table}) is not null`
    : sql<{ found: number }>`select 1 as found from sqlite_master where name = ${table}`;
  return (await query.execute(database)).rows.length > 0;
}

function isPostgres(database: Database): boolean {
  return database.getExecutor().adapter instanceof PostgresAdapter;
}

/**
 * An arbitrary fixed number; the advisory locks of a PostgreSQL database share one number space.
 */
const MIGRATION_LOCK = 20_230_419;
const MIGRATION_POLL_MILLIS = 100;

/**
 * Makes two servers that start together on PostgreSQL migrate one after the other. SQLite
 * serialises transactions by itself. Kysely's own migration lock is not used, because it belongs to
 * the session and outlives the transaction.
 */
async function takeTurns(transaction: Database): Promise<void> {
  if (!isPostgres(transaction)) return;
  // Polls, because a statement that waits for the lock would exceed its deadline.
  for (;;) {
    const taken = sql<{
      taken: boolean;
    }>`select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as taken`;
    if ((await taken.execute(transaction)).rows[0]?.taken) return;
    await setTimeout(MIGRATION_POLL_MILLIS);
  }
}

async function createMigrationTable(database: Database): Promise<void> {
  await database.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('component', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('migrations_key', ['component', 'position'])
    .execute();
}

function refuseUnknown(
  component: string,
  found: { readonly applied: readonly string[]; readonly migrations: readonly Migration[] },
): void {
  for (const [position, name] of found.applied.entries()) {
    if (found.migrations[position]?.name === name) continue;
    throw new Error(
      `cannot use the database: its ${component} tables were changed by another version (${name}); start that version, or a newer one`,
    );
  }
}

async function migrate(database: Database, component: string, migration: Migration): Promise<void> {
  try {
    await migration.up(database);
  } catch (cause) {
    throw new Error(`cannot run the migration ${migration.name} of ${component}`, { cause });
  }
}
