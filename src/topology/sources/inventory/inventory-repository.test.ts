import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../../lib/database.ts';
import { emptyPostgresSchema } from '../../../lib/testing.ts';
import { InventoryRepository } from './inventory-repository.ts';

/** `NFM_TEST_POSTGRES_URL` names a PostgreSQL database that the test may empty. */
const postgresUrl = process.env.NFM_TEST_POSTGRES_URL;
const databases = [
  { name: 'SQLite', url: async () => 'sqlite::memory:', isThere: true },
  {
    name: 'PostgreSQL',
    url: () => emptyPostgresSchema(postgresUrl ?? ''),
    isThere: postgresUrl !== undefined,
  },
];

const OFFICE = { account: '000000000000', region: 'berlin', text: 'networks: [{ name: office }]' };
const SHOP = { account: '111111111111', region: 'rome', text: 'networks: [{ name: shop }]' };

describe.each(databases)('inventories on $name', ({ url, isThere }) => {
  let database: Database;
  let repository: InventoryRepository;

  beforeEach(async (context) => {
    if (!isThere) return context.skip('NFM_TEST_POSTGRES_URL is not set');
    database = await openDatabase({ url: await url() });
    repository = new InventoryRepository(database);
    await repository.migrate();
  });
  afterEach(() => database?.destroy());

  test('are stored unchanged, one per account', async () => {
    await repository.put(OFFICE);
    await repository.put(SHOP);
    expect(await repository.get(OFFICE.account)).toEqual(OFFICE);
    expect(await repository.get(SHOP.account)).toEqual(SHOP);
    expect(await repository.get('222222222222')).toBeUndefined();
  });

  test.each([
    { what: 'its text', change: { text: 'networks: []' } },
    { what: 'its Region', change: { region: 'paris' } },
  ])('are replaced, and have another version when $what changes', async ({ change }) => {
    await repository.put(OFFICE);
    const before = await repository.versions();
    await repository.put(OFFICE);
    expect(await repository.versions()).toEqual(before);
    await repository.put({ ...OFFICE, ...change });
    expect(await repository.get(OFFICE.account)).toEqual({ ...OFFICE, ...change });
    expect(await repository.versions()).not.toEqual(before);
  });

  test('are gone when deleted, and the result is whether there was one', async () => {
    await repository.put(OFFICE);
    expect(await repository.delete(OFFICE.account)).toBe(true);
    expect(await repository.delete(OFFICE.account)).toBe(false);
    expect((await repository.versions()).size).toBe(0);
  });
});
