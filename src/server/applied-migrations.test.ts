import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KyselyPlugin, sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AUTH_MIGRATIONS } from '../auth/auth-tables.ts';
import { CONTROL_MIGRATIONS } from '../control/control-tables.ts';
import { INSTALLATION_MIGRATIONS } from '../control/installation-table.ts';
import { HEALTH_MIGRATIONS } from '../health/storage/control-schema.ts';
import { type Database, type Migration, openDatabase, runMigrations } from '../lib/database.ts';
import { QUERY_MIGRATIONS } from '../query/query-table.ts';
import { CLAIM_MIGRATIONS } from '../topology/claim-repository.ts';
import { VERSION_MIGRATIONS } from '../topology/graph/version-repository.ts';
import { INVENTORY_MIGRATIONS } from '../topology/sources/inventory/inventory-repository.ts';

/** By the name that the control database records for the component. */
const MIGRATIONS: Readonly<Record<string, readonly Migration[]>> = {
  auth: AUTH_MIGRATIONS,
  control: CONTROL_MIGRATIONS,
  health: HEALTH_MIGRATIONS,
  installation: INSTALLATION_MIGRATIONS,
  query: QUERY_MIGRATIONS,
  topology: CLAIM_MIGRATIONS,
  'topology inventory': INVENTORY_MIGRATIONS,
  'topology-graph': VERSION_MIGRATIONS,
};

/**
 * Component, position and name of every migration that a control database may have applied, and
 * the SHA-256 of its statements. A new one is added; an existing line never changes.
 */
const APPLIED: Readonly<Record<string, string>> = {
  'auth 0: 1 accounts and access keys':
    '41932d6badad06491d851fb73c21d74229d85a9897319e64007afa8de7101f4e',
  'auth 1: 2 status, description and policy':
    '388148fc93720b9c61bb92d91f7f1ba737d23e347df78bfde98b232cc4c5cebd',
  'control 0: 1 scopes': 'f08b127ebdaf48416c25ba9c011a1bf6a859281013ec1dfe1d702a5cd8702ea3',
  'control 1: 2 monitors': 'c43c37887ea110d16e8799bae874d999f3c57d6a220966cb5aaf4f6f39bea63c',
  'control 2: 3 idempotency tokens':
    '57e2ab4aeb204d0818cb50afd47e39d59a1616a894265c6d7f2daf2e6d22b63e',
  'control 3: 4 audit events': 'c12ae455fbf2695bb3f010bedaaad42bfd621e43e12fc21a950091a2dc654ee4',
  'control 4: 5 organization': 'df89bad2e0a856d5356966ef937fc9a1ffb7ca544070c247bce11ccdd6d2b1c9',
  'health 0: 001-health': 'ed7d0fa9280aa5e5abb16de8bc05294e1178a6604a8baa0f4c5a61c62a970ffa',
  'installation 0: 1 installations':
    'd2b6c85acefab361c4969f2fdd251b74c9270ffd23a322dd07d2496f013214b0',
  'query 0: 001-queries': '97115e23b6ab57771d801382166ac44a163fbcfb8d7e306821e124b4f09ef99e',
  'topology 0: 001-claims': '76cfe373aca690c9c7b696444878fab7010252fbc99dfd3f2d93b02ad14124d3',
  'topology 1: 002-key-by-prefix':
    'b06445ae5ed234f0cf364b4d90ef6f8f23f9230c4c61af21cc7bb57302fd774e',
  'topology 2: 003-key-by-account':
    'b3a2d4b5610b5d2cf4c9a64c8e6230808d61d83f12bad3bc81e861a67cf87120',
  'topology inventory 0: 001-inventory':
    'a8773907ad7592bccf20b6a1362f64992f7f82830cf0c6b49aceede9bfbbd7a5',
  'topology-graph 0: 001-versions':
    '80ef3e131aaea7508ba55748e2c2929ecf48f99286158ff1095ef3da99a5a95e',
};

let database: Database;
beforeEach(async () => {
  database = await openDatabase({ url: 'sqlite::memory:' });
});
afterEach(() => database.destroy());

test('applied migrations of the control database are never rewritten', async () => {
  const found: Record<string, string> = {};
  for (const [component, migrations] of Object.entries(MIGRATIONS)) {
    for (const [position, migration] of migrations.entries()) {
      const key = `${component} ${position}: ${migration.name}`;
      found[key] = sha256(await statementsOf(migration));
    }
  }
  expect(found).toEqual(APPLIED);
});

test('every component with migrations is in the list', () => {
  const source = join(import.meta.dirname, '..');
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => readFileSync(join(source, path), 'utf8'))
    .flatMap((text) => [...text.matchAll(/runMigrations\([^,;]+, '([^']+)'/g)])
    .map(([, component]) => component);
  expect(names.sort()).toEqual(Object.keys(MIGRATIONS).sort());
});

test.each([
  ['with its first claim table', ['001-claims']],
  ['with its first claim table moved', ['001-claims', '002-key-by-prefix']],
])('a control database of the first days opens: %s', async (_, applied) => {
  const former = applied.map((name) => formerClaims[name] ?? { name, up: async () => {} });
  await runMigrations(database, 'topology', former);
  const tables = database.withTables<{
    readonly [table: string]: Readonly<Record<string, unknown>>;
  }>();
  const table = applied.length === 1 ? 'topology_claims' : 'topology_address_claims';
  await tables.insertInto(table).values(CLAIM).execute();
  await runMigrations(database, 'topology', CLAIM_MIGRATIONS);
  await runMigrations(database, 'topology', CLAIM_MIGRATIONS);
  expect(await tables.selectFrom('topology_address_claims').selectAll().execute()).toEqual([CLAIM]);
  const left = await database.introspection.getTables();
  expect(left.map(({ name }) => name)).not.toContain('topology_claims');
});

const CLAIM = {
  account: '000000000000',
  region: 'us-east-1',
  vpc_id: 'vpc-1',
  address: '10.0.0.1',
  instance_id: 'i-1',
  from_seconds: 1,
  last_seen_seconds: 2,
  prefix: '10.0.0.0/24',
  subnet_id: 'subnet-1',
  az: 'use1-az1',
};

function claimTable(name: string, key: readonly string[]) {
  return async (on: Database): Promise<void> => {
    const columns = Object.entries(CLAIM).map(([column, value]) => {
      const type = typeof value === 'number' ? 'bigint' : 'text';
      return sql`${sql.ref(column)} ${sql.raw(type)} not null`;
    });
    const keyColumns = key.map((column) => sql.ref(column));
    await sql`create table ${sql.table(name)} (${sql.join(columns)}, primary key (${sql.join(keyColumns)}))`.execute(
      on,
    );
  };
}

const FORMER_KEY = ['vpc_id', 'address', 'instance_id', 'az', 'from_seconds'] as const;

/** The first version of the migrations of claims. */
const formerClaims: Readonly<Record<string, Migration>> = {
  '001-claims': { name: '001-claims', up: claimTable('topology_claims', FORMER_KEY) },
  '002-key-by-prefix': {
    name: '002-key-by-prefix',
    async up(on) {
      await claimTable('topology_address_claims', [...FORMER_KEY, 'prefix'])(on);
      await on.schema.dropTable('topology_claims').execute();
    },
  },
};

/** Runs a migration after the earlier ones of its component, and returns its statements. */
async function statementsOf(migration: Migration): Promise<string> {
  const statements: string[] = [];
  const executor = database.getExecutor();
  const recorder: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      statements.push(executor.compileQuery(node, queryId).sql);
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  await migration.up(database.withPlugin(recorder));
  return statements.join(';\n');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
