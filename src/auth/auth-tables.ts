import type { Generated } from 'kysely';
import type { Migration } from '../lib/database.ts';
import type { IdentityStatus, KeyKind } from '../model/owner.ts';

export type AuthTables = {
  readonly account: {
    /** 12 digits. */
    readonly account: string;
    readonly created_at_millis: number;
    readonly status: Generated<IdentityStatus>;
    readonly description: Generated<string>;
  };
  readonly access_key: {
    readonly access_key_id: string;
    readonly account: string;
    readonly kind: KeyKind;
    /** Encrypted by SecretBox under the access key id. */
    readonly sealed_secret: string;
    readonly created_at_millis: number;
    readonly status: Generated<IdentityStatus>;
    readonly description: Generated<string>;
    /** JSON; null unless the kind is `custom`. */
    readonly policy: string | null;
  };
};

export const AUTH_MIGRATIONS: readonly Migration[] = [
  {
    name: '1 accounts and access keys',
    up: async (database) => {
      await database.schema
        .createTable('account')
        .addColumn('account', 'text', (column) => column.primaryKey())
        .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
        .execute();
      await database.schema
        .createTable('access_key')
        .addColumn('access_key_id', 'text', (column) => column.primaryKey())
        .addColumn('account', 'text', (column) => column.notNull().references('account.account'))
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('sealed_secret', 'text', (column) => column.notNull())
        .addColumn('created_at_millis', 'bigint', (column) => column.notNull())
        .execute();
      await database.schema
        .createIndex('access_key_by_account')
        .on('access_key')
        .columns(['account', 'access_key_id'])
        .execute();
    },
  },
  {
    name: '2 status, description and policy',
    up: async (database) => {
      for (const table of ['account', 'access_key']) {
        await database.schema
          .alterTable(table)
          .addColumn('status', 'text', (column) => column.notNull().defaultTo('ENABLED'))
          .execute();
        await database.schema
          .alterTable(table)
          .addColumn('description', 'text', (column) => column.notNull().defaultTo(''))
          .execute();
      }
      await database.schema.alterTable('access_key').addColumn('policy', 'text').execute();
    },
  },
];
