import { existsSync } from 'node:fs';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PostgresUnderTest } from '../../test/postgres-under-test.ts';
import { type Database, openDatabase } from './database.ts';
import { DatabaseUnavailableError } from './postgres-pool.ts';

const isMissing = !existsSync('/usr/lib/postgresql');

describe.skipIf(isMissing)('a PostgreSQL database in trouble', () => {
  let postgres: PostgresUnderTest;
  let database: Database;
  const lost: Error[] = [];

  beforeAll(() => {
    postgres = new PostgresUnderTest();
  });
  beforeEach(async () => {
    await postgres.start();
    lost.length = 0;
    database = await openDatabase({
      url: postgres.url,
      onConnectionLost: (error) => lost.push(error),
      connectMillis: 300,
      statementMillis: 300,
    });
  });
  afterEach(async () => {
    postgres.thaw();
    await database.destroy();
    await postgres.stop();
  });
  afterAll(() => postgres.remove());

  const ask = () => sql<{ one: number }>`select 1 as one`.execute(database);
  const answer = async () => (await ask()).rows[0]?.one;

  test('a connection that breaks while it is used fails its statement, not the process', async () => {
    const stopped = database.connection().execute(async (connection) => {
      await postgres.stop();
      await sql`select 1`.execute(connection);
    });
    await expect(stopped).rejects.toThrow(DatabaseUnavailableError);
    expect(lost).not.toEqual([]);
    await expect(ask()).rejects.toThrow(DatabaseUnavailableError);
    await postgres.start();
    expect(await answer()).toBe(1);
  });

  test('an open transaction fails as a whole', async () => {
    const stopped = database.transaction().execute(async (transaction) => {
      await postgres.stop();
      await sql`select 1`.execute(transaction);
    });
    await expect(stopped).rejects.toThrow(DatabaseUnavailableError);
  });

  test('a frozen database fails statements at their deadline, more of them than connections', async () => {
    postgres.freeze();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, ask));
    expect(asked.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
    postgres.thaw();
    expect(await answer()).toBe(1);
  });

  test('the answer to a statement past its deadline is not read as that of the next', async () => {
    const slow = sql`select 'late' as one, pg_sleep(0.5)`.execute(database);
    await expect(slow).rejects.toThrow(DatabaseUnavailableError);
    expect(await answer()).toBe(1);
  });

  test('a database that rejects writes is unavailable for writes only', async () => {
    await sql`create table if not exists note (id integer)`.execute(database);
    await postgres.stop();
    await postgres.start({ default_transaction_read_only: 'on' });
    const write = () => sql`insert into note values (1)`.execute(database);
    // The first statement may meet a connection that the restart broke.
    await ask().catch(() => {});
    await expect(write()).rejects.toThrow(DatabaseUnavailableError);
    expect(await answer()).toBe(1);
  });

  test('a database without a free connection is unavailable', async () => {
    await postgres.stop();
    await postgres.start({
      max_connections: '4',
      max_wal_senders: '0',
      superuser_reserved_connections: '0',
    });
    const others = Array.from({ length: 4 }, () => new pg.Client(postgres.url));
    for (const other of others) await other.connect();
    await expect(ask()).rejects.toThrow(DatabaseUnavailableError);
    for (const other of others) await other.end();
    await expect.poll(() => answer().catch(() => 0)).toBe(1);
  });

  test('a role that may not sign in finds the database unavailable', async () => {
    const url = postgres.url.replace('nfm@', 'nobody@');
    await expect(openDatabase({ url })).rejects.toThrow('cannot reach the PostgreSQL database');
  });

  test('a faulty statement is the statement’s fault, and its connection is used again', async () => {
    await expect(sql`select nothing`.execute(database)).rejects.toThrow(pg.DatabaseError);
    expect(await answer()).toBe(1);
    expect(lost).toEqual([]);
  });
});
