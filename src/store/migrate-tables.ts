import { newMarker, type QueryLimits, type StoreConnection } from './connection.ts';
import { param, raw, type SqlFragment, sql } from './sql.ts';
import { columnChanges, expiryRemoval, migrationText, type Table } from './tables/table.ts';

export interface MigrateOptions extends QueryLimits {
  readonly tables: readonly Table[];
  readonly retentionDays: number;
}

/**
 * Creates the tables, brings existing ones to the declared columns, and ends the expiry that their
 * first migration declares.
 */
export async function migrateTables(
  connection: StoreConnection,
  options: MigrateOptions,
): Promise<void> {
  const ask = <Row>(statement: SqlFragment) =>
    connection.query<Row>(statement, { ...options, marker: newMarker() });
  for (const table of options.tables) {
    for (const migration of table.migrations) {
      await connection.command(raw(migrationText(table, migration, options.retentionDays)));
    }
    for (const text of columnChanges(table, await columnsOf(table))) {
      await connection.command(raw(text));
    }
    if (await hasExpiry(table)) await connection.command(raw(expiryRemoval(table)));
  }

  async function columnsOf({ name }: Table): Promise<ReadonlyMap<string, string>> {
    const columns = await ask<{ name: string; type: string }>(
      sql`SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = ${param('String', name)}`,
    );
    return new Map(columns.map((column) => [column.name, column.type]));
  }

  async function hasExpiry({ name }: Table): Promise<boolean> {
    const tables = await ask<{ definition: string }>(
      sql`SELECT create_table_query AS definition FROM system.tables WHERE database = currentDatabase() AND name = ${param('String', name)}`,
    );
    return tables.some(({ definition }) => definition.includes(' TTL '));
  }
}
