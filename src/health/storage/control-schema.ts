import type { Migration } from '../../lib/database.ts';
import type { HealthState } from '../../model/health.ts';

/** Stands for an unknown number. */
export const UNKNOWN = -1;

/** The state of an owner's judgement. */
export type StateRow = {
  readonly account: string;
  readonly region: string;
  /** The start of the next window to judge. */
  readonly next_seconds: number;
  /** `DetectorState`, and the constructs of the last window, as JSON. */
  readonly detector: string;
  readonly constructs: string;
};

/** A monitor's minute. */
export type MinuteRow = {
  readonly account: string;
  readonly region: string;
  readonly monitor: string;
  readonly minute_seconds: number;
  readonly state: HealthState;
  readonly indicator: 0 | 1 | typeof UNKNOWN;
  readonly data_transferred: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly round_trip_micros: number;
  readonly is_final: number;
  readonly explanation: string;
};

export type IncidentRow = {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly opened_seconds: number;
  /** `UNKNOWN` while it goes on. */
  readonly closed_seconds: number;
  readonly incident: string;
};

/** Health's tables in the control database. */
export type HealthTablesShape = {
  readonly health_state: StateRow;
  readonly health_minute: MinuteRow;
  readonly health_incident: IncidentRow;
};

export const HEALTH_MIGRATIONS: readonly Migration[] = [
  {
    name: '001-health',
    async up(database) {
      await database.schema
        .createTable('health_state')
        .addColumn('account', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('next_seconds', 'bigint', (column) => column.notNull())
        .addColumn('detector', 'text', (column) => column.notNull())
        .addColumn('constructs', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('health_state_key', ['account', 'region'])
        .execute();
      await database.schema
        .createTable('health_minute')
        .addColumn('account', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('monitor', 'text', (column) => column.notNull())
        .addColumn('minute_seconds', 'bigint', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('indicator', 'integer', (column) => column.notNull())
        .addColumn('data_transferred', 'bigint', (column) => column.notNull())
        .addColumn('retransmissions', 'bigint', (column) => column.notNull())
        .addColumn('timeouts', 'bigint', (column) => column.notNull())
        .addColumn('round_trip_micros', 'bigint', (column) => column.notNull())
        .addColumn('is_final', 'integer', (column) => column.notNull())
        .addColumn('explanation', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('health_minute_key', [
          'account',
          'region',
          'monitor',
          'minute_seconds',
        ])
        .execute();
      await database.schema
        .createIndex('health_minute_by_age')
        .on('health_minute')
        .column('minute_seconds')
        .execute();
      await database.schema
        .createTable('health_incident')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('account', 'text', (column) => column.notNull())
        .addColumn('region', 'text', (column) => column.notNull())
        .addColumn('opened_seconds', 'bigint', (column) => column.notNull())
        .addColumn('closed_seconds', 'bigint', (column) => column.notNull())
        .addColumn('incident', 'text', (column) => column.notNull())
        .execute();
      await database.schema
        .createIndex('health_incident_by_owner')
        .on('health_incident')
        .columns(['account', 'region', 'opened_seconds'])
        .execute();
    },
  },
];
