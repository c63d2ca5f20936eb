/** A column that the code reads or writes now. */
export interface TableColumn {
  readonly name: string;
  /** In the form that `system.columns` has. */
  readonly type: string;
  /** Compression, such as `ZSTD(3)`; ClickHouse's default when absent. */
  readonly codec?: string | undefined;
}

/**
 * One change of a table. Existing data folders have applied its text, so the text never changes:
 * a later change is a migration with the next number.
 */
export interface TableMigration {
  readonly number: number;
  /**
   * One statement that does nothing when it runs again (`IF NOT EXISTS`): the store runs every
   * migration at each start. `{retention}` stands for the table's expiry expression.
   */
  readonly text: string;
}

/** A table of ClickHouse, as `migrateTables` creates and updates it. */
export interface Table {
  readonly name: string;
  /**
   * Every column in use. A column that no migration creates is added at the start; a column whose
   * type differs is changed. So a new column needs no migration.
   */
  readonly columns: readonly TableColumn[];
  /**
   * The expression that a row's retention counts from, such as `time`. Absent when the retention
   * setting does not apply to the table.
   */
  readonly retentionFrom?: string | undefined;
  /**
   * Days after which a partition is deleted, in a table with one partition per `Date`. Absent when
   * the retention setting applies, or rows are kept forever.
   */
  readonly keptDays?: number | undefined;
  readonly migrations: readonly TableMigration[];
}

/** Declares a table. @throws Error when the migrations are not numbered 1, 2, 3 … */
export function defineTable(table: Table): Table {
  const misplaced = table.migrations.find(({ number }, i) => number !== i + 1);
  if (misplaced === undefined && table.migrations.length > 0) return table;
  throw new Error(`migrations of ${table.name} must be numbered 1, 2, 3 …`);
}

/** The statement of a migration, with the retention filled in. */
export function migrationText(
  table: Table,
  migration: TableMigration,
  retentionDays: number,
): string {
  const expiry = expiryOf(table, retentionDays);
  return expiry === undefined ? migration.text : migration.text.replace('{retention}', expiry);
}

/**
 * Returns `time + toIntervalDay(7)`, as ClickHouse prints it, so that a comparison with the text of
 * the existing table works.
 */
export function expiryOf({ retentionFrom }: Table, retentionDays: number): string | undefined {
  if (retentionFrom === undefined) return undefined;
  if (!Number.isInteger(retentionDays) || retentionDays < 1) {
    throw new Error('retentionDays must be an integer from 1');
  }
  return `${retentionFrom} + toIntervalDay(${retentionDays})`;
}

/**
 * The statements that give an existing table the declared columns.
 *
 * @param existing the types of the table's columns by name
 */
export function columnChanges(table: Table, existing: ReadonlyMap<string, string>): string[] {
  return table.columns
    .filter(({ name, type }) => existing.get(name) !== type)
    .map((column) => {
      const change = existing.has(column.name) ? 'MODIFY COLUMN' : 'ADD COLUMN IF NOT EXISTS';
      return `ALTER TABLE ${table.name} ${change} ${columnText(column)}`;
    });
}

/** A column in DDL: `monitors UInt64 CODEC(T64, ZSTD(3))`. */
export function columnText({ name, type, codec }: TableColumn): string {
  return codec === undefined ? `${name} ${type}` : `${name} ${type} CODEC(${codec})`;
}

/**
 * The statement that ends a table's own expiry. ClickHouse would delete by the clock alone, which
 * may be wrong, so `DiskBudget` deletes instead.
 */
export function expiryRemoval({ name }: Table): string {
  return `ALTER TABLE ${name} REMOVE TTL`;
}
