import { type Database, hasTable, type Migration, runMigrations } from '../lib/database.ts';
import type { InstallationMark } from '../model/installation-mark.ts';

type InstallationTables = {
  readonly installation: InstallationMark;
};

/** One row per data folder, because servers with folders of their own may share PostgreSQL. */
export const INSTALLATION_MIGRATIONS: readonly Migration[] = [
  {
    name: '1 installations',
    async up(database) {
      await database.schema
        .createTable('installation')
        .addColumn('installation', 'text', (column) => column.primaryKey())
        .addColumn('generation', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
];

/** The generation at which the database was last marked; undefined when it never was. */
export async function installationGeneration(
  database: Database,
  installation: string,
): Promise<number | undefined> {
  if (!(await hasTable(database, 'installation'))) return undefined;
  const row = await database
    .withTables<InstallationTables>()
    .selectFrom('installation')
    .select('generation')
    .where('installation', '=', installation)
    .executeTakeFirst();
  return row?.generation;
}

export async function markInstallation(database: Database, mark: InstallationMark): Promise<void> {
  await runMigrations(database, 'installation', INSTALLATION_MIGRATIONS);
  const { installation, generation } = mark;
  await database
    .withTables<InstallationTables>()
    .insertInto('installation')
    .values({ installation, generation })
    .onConflict((conflict) => conflict.column('installation').doUpdateSet({ generation }))
    .execute();
}
