import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, type Migration, openDatabase, runMigrations } from './database.ts';
import { emptyPostgresSchema } from './testing.ts';

type Tables = { readonly note: { readonly id: string; readonly at: number } };

const first: Migration = {
  name: 'notes',
  up: async (database) => {
    await database.schema
      .createTable('note')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .execute();
  },
};
const second: Migration = {
  name: 'first note',
  up: async (database) => {
    await database.withTables<Tables>().insertInto('note').values({ id: 'a', at: 1 }).execute();
  },
};
const failing: Migration = {
  name: 'broken',
  up: async (database) => {
    await database.schema.dropTable('note').execute();
    await database.schema.dropTable('nothing').execute();
  },
};

const notes = (database: Database) =>
  database.withTables<Tables>().selectFrom('note').select(['id', 'at']).orderBy('id').execute();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-database-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `NFM_TEST_POSTGRES_URL` names an empty PostgreSQL database that tests may write to. */
const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;
const engines = [
  { name: 'SQLite', skipped: false, empty: async () => `sqlite:${join(folder, 'test.db')}` },
  {
    name: 'PostgreSQL',
    skipped: postgresUrl === undefined,
    empty: () => emptyPostgresSchema(postgresUrl ?? ''),
  },
];

describe.each(engines)('$name', ({ skipped, empty }) => {
  let database: Database;
  let url: string;

  beforeEach(async (context) => {
    if (skipped) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    url = await empty();
    database = await openDatabase({ url });
  });
  afterEach(async () => {
    if (!skipped) await database.destroy();
  });

  test('migrations run once each, in order, also after the database was opened again', async () => {
    await runMigrations(database, 'test', [first]);
    await database.destroy();
    database = await openDatabase({ url });
    await runMigrations(database, 'test', [first, second]);
    await runMigrations(database, 'test', [first, second]);
    expect(await notes(database)).toEqual([{ id: 'a', at: 1 }]);
  });

  test('a migration that fails leaves everything as it was', async () => {
    await runMigrations(database, 'test', [first, second]);
    const again = runMigrations(database, 'test', [first, second, failing]);
    await expect(again).rejects.toThrow('cannot run the migration broken of test');
    expect(await notes(database)).toEqual([{ id: 'a', at: 1 }]);
    await runMigrations(database, 'test', [first, second]);
  });

  test('tables changed by another version are refused', async () => {
    await runMigrations(database, 'test', [first, second]);
    await expect(runMigrations(database, 'test', [first])).rejects.toThrow('another version');
  });

  test('each component has migrations of its own', async () => {
    await runMigrations(database, 'one', [first]);
    await runMigrations(database, 'two', [second]);
    expect(await notes(database)).toHaveLength(1);
  });

  test('several starting at once migrate once', async () => {
    await Promise.all(
      Array.from({ length: 5 }, () => runMigrations(database, 'test', [first, second])),
    );
    expect(await notes(database)).toHaveLength(1);
  });

  test('milliseconds since 1970 come back as the same number', async () => {
    await runMigrations(database, 'test', [first]);
    const at = 1_796_000_000_123;
    await database.withTables<Tables>().insertInto('note').values({ id: 'b', at }).execute();
    expect(await notes(database)).toEqual([{ id: 'b', at }]);
  });
});

test('SQLite commits durably, checks foreign keys and waits for a lock', async () => {
  const database = await openDatabase({ url: `sqlite:${join(folder, 'test.db')}` });
  const pragma = async (name: string) =>
    (await sql`${sql.raw(`pragma ${name}`)}`.execute(database)).rows;
  expect(await pragma('journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  expect(await pragma('synchronous')).toEqual([{ synchronous: 2 }]);
  expect(await pragma('foreign_keys')).toEqual([{ foreign_keys: 1 }]);
  expect(await pragma('busy_timeout')).toEqual([{ timeout: 5000 }]);
  await database.destroy();
});

test.each([
  { name: 'a boolean', value: true },
  { name: 'undefined', value: undefined },
  { name: 'not a number', value: Number.NaN },
  { name: 'an object', value: {} },
])('$name as a parameter is an error, not the end of the process', async ({ value }) => {
  const database = await openDatabase({ url: 'sqlite::memory:' });
  await expect(sql`select ${value}`.execute(database)).rejects.toThrow('cannot store');
  await database.destroy();
});

test('an error names the database that cannot be opened', async () => {
  const path = join(folder, 'absent', 'test.db');
  await expect(openDatabase({ url: `sqlite:${path}` })).rejects.toThrow(
    `cannot open the database ${path}`,
  );
  await expect(openDatabase({ url: 'mysql://' })).rejects.toThrow('cannot open the database');
});
