import { type Database, type Migration, runMigrations } from '../lib/database.ts';
import type { MonitorStatus } from '../model/monitor.ts';
import type { ScopeStatus } from '../model/scope.ts';

/** Lists and maps are JSON in text columns, because they are read and written as a whole. */
export type ControlTables = {
  readonly scope: {
    readonly scope_id: string;
    readonly account: string;
    readonly region: string;
    readonly status: ScopeStatus;
    readonly reason: string | null;
    readonly targets: string;
    readonly tags: string;
    readonly created_at_millis: number;
    readonly modified_at_millis: number;
  };
  readonly monitor: {
    readonly account: string;
    readonly region: string;
    readonly monitor_name: string;
    readonly scope_id: string;
    readonly status: MonitorStatus;
    readonly local_resources: string;
    readonly remote_resources: string;
    readonly tags: string;
    readonly created_at_millis: number;
    readonly modified_at_millis: number;
  };
  readonly idempotency_token: {
    readonly account: string;
    readonly region: string;
    readonly operation: string;
    readonly token: string;
    readonly parameters_sha256: string;
    /** A scope id or monitor name. Its deletion frees the token. */
    readonly resource: string;
    readonly answer: string;
    readonly created_at_millis: number;
  };
  /** A single row. */
  readonly organization: {
    readonly only: number;
    readonly management_account: string;
    readonly created_at_millis: number;
  };
  /** Every member except the management account. */
  readonly organization_member: {
    readonly account: string;
    /** 1 or 0, because SQLite has no booleans. */
    readonly is_delegated: number;
    readonly joined_at_millis: number;
  };
  readonly audit_event: {
    /** UUID. */
    readonly event_id: string;
    readonly at_millis: number;
    /** 1 for a read, 0 for a change, because SQLite has no booleans. */
    readonly is_read: number;
    readonly account: string;
    readonly access_key_id: string;
    readonly event_name: string;
    /** An AuditEvent as JSON. */
    readonly event: string;
  };
};

export const CONTROL_MIGRATIONS: readonly Migration[] = [
  { name: '1 scopes', up: createScopes },
  { name: '2 monitors', up: createMonitors },
  { name: '3 idempotency tokens', up: createTokens },
  { name: '4 audit events', up: createAuditEvents },
  { name: '5 organization', up: createOrganization },
];

/** Creates or updates the tables of this folder. */
export async function migrateControl(database: Database): Promise<void> {
  await runMigrations(database, 'control', CONTROL_MIGRATIONS);
}

async function createScopes(database: Database): Promise<void> {
  await database.schema
    .createTable('scope')
    .addColumn('scope_id', 'text', (column) => column.primaryKey())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('targets', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
    .addColumn('modified_at_millis', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('one_scope_per_account_and_region', ['account', 'region'])
    .execute();
}

async function createMonitors(database: Database): Promise<void> {
  await database.schema
    .createTable('monitor')
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('monitor_name', 'text', (column) => column.notNull())
    .addColumn('scope_id', 'text', (column) => column.notNull().references('scope.scope_id'))
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('local_resources', 'text', (column) => column.notNull())
    .addColumn('remote_resources', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
    .addColumn('modified_at_millis', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('monitor_key', ['account', 'region', 'monitor_name'])
    .execute();
}

async function createTokens(database: Database): Promise<void> {
  await database.schema
    .createTable('idempotency_token')
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('region', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('parameters_sha256', 'text', (column) => column.notNull())
    .addColumn('resource', 'text', (column) => column.notNull())
    .addColumn('answer', 'text', (column) => column.notNull())
    .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_token_key', ['account', 'region', 'operation', 'token'])
    .execute();
  await database.schema
    .createIndex('idempotency_token_by_age')
    .on('idempotency_token')
    .column('created_at_millis')
    .execute();
}

async function createAuditEvents(database: Database): Promise<void> {
  await database.schema
    .createTable('audit_event')
    .addColumn('event_id', 'text', (column) => column.primaryKey())
    .addColumn('at_millis', 'bigint', (column) => column.notNull())
    .addColumn('is_read', 'integer', (column) => column.notNull())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('access_key_id', 'text', (column) => column.notNull())
    .addColumn('event_name', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .execute();
  await database.schema
    .createIndex('audit_event_by_age')
    .on('audit_event')
    .columns(['is_read', 'at_millis'])
    .execute();
  await database.schema
    .createIndex('audit_event_by_account')
    .on('audit_event')
    .columns(['account', 'at_millis'])
    .execute();
}

async function createOrganization(database: Database): Promise<void> {
  await database.schema
    .createTable('organization')
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .addColumn('management_account', 'text', (column) => column.notNull())
    .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
    .execute();
  await database.schema
    .createTable('organization_member')
    .addColumn('account', 'text', (column) => column.primaryKey())
    .addColumn('is_delegated', 'integer', (column) => column.notNull())
    .addColumn('joined_at_millis', 'bigint', (column) => column.notNull())
    .execute();
}
