import { type Database, type Migration, runMigrations } from '../../lib/database.ts';
import {
  type ConstructHealth,
  HEALTH_STATES,
  type HealthExplanation,
  type HealthMinute,
  type HealthState,
} from '../../model/health.ts';
import type { Owner } from '../../model/owner.ts';
import type { DetectorState } from '../search/detect.ts';
import type { KeptIncident } from '../verdict/incidents.ts';
import type { MinuteMetrics } from './minute-metrics.ts';

/** Numbers that may be unknown are -1 then: SQLite and PostgreSQL agree on that. */
const UNKNOWN = -1;

type StateRow = {
  readonly account: string;
  readonly region: string;
  /** Start of the next window to judge. */
  readonly next_seconds: number;
  /** DetectorState and the last window's constructs, as JSON. */
  readonly detector: string;
  readonly constructs: string;
};

type MinuteRow = {
  readonly account: string;
  readonly region: string;
  readonly monitor: string;
  readonly minute_seconds: number;
  readonly state: string;
  readonly indicator: number;
  readonly data_transferred: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly round_trip_micros: number;
  readonly is_final: number;
  readonly explanation: string;
};

type IncidentRow = {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly opened_seconds: number;
  /** -1 while it goes on. */
  readonly closed_seconds: number;
  readonly incident: string;
};

type HealthTablesShape = {
  readonly health_state: StateRow;
  readonly health_minute: MinuteRow;
  readonly health_incident: IncidentRow;
};

const MIGRATIONS: readonly Migration[] = [
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

export interface OwnerState {
  readonly nextSeconds: number;
  readonly detector: DetectorState;
}

/** A judged window as it is kept. */
export interface KeptWindow {
  readonly startSeconds: number;
  readonly nextSeconds: number;
  readonly detector: DetectorState;
  readonly constructs: readonly ConstructHealth[];
  readonly monitors: readonly {
    readonly monitorName: string;
    readonly explanation: HealthExplanation;
  }[];
  readonly incidents: readonly KeptIncident[];
}

export interface SecondsRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

export interface LatestMinute extends HealthMinute {
  readonly sentence: string;
}

const MAX_ROWS = 20_000;
const MAX_INCIDENTS = 1_000;

/**
 * Verdicts, what detectors remember, and incidents, in the control database: a window's are written
 * in one transaction together with the number of the next, so that each is judged once, by whichever
 * server is first, and stays as it is after a restart.
 */
export class HealthTables {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async start(): Promise<void> {
    await runMigrations(this.#database, 'health', MIGRATIONS);
  }

  async stateOf(owner: Owner): Promise<OwnerState | undefined> {
    const row = await this.#tables()
      .selectFrom('health_state')
      .select(['next_seconds', 'detector'])
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      nextSeconds: row.next_seconds,
      detector: JSON.parse(row.detector) as DetectorState,
    };
  }

  /** Where an owner's windows begin, or go on after a gap too long to judge. */
  async begin(owner: Owner, nextSeconds: number, detector: DetectorState): Promise<void> {
    const row = { ...owner, next_seconds: nextSeconds, detector: JSON.stringify(detector) };
    await this.#tables()
      .insertInto('health_state')
      .values({ ...row, constructs: '' })
      .onConflict((conflict) =>
        conflict.columns(['account', 'region']).doUpdateSet({ next_seconds: nextSeconds }),
      )
      .execute();
  }

  /** False, and nothing written, when another server has judged the window already. */
  async keep(owner: Owner, window: KeptWindow): Promise<boolean> {
    return await this.#database.transaction().execute(async (transaction) => {
      const tables = transaction.withTables<HealthTablesShape>();
      const { numUpdatedRows } = await tables
        .updateTable('health_state')
        .set({
          next_seconds: window.nextSeconds,
          detector: JSON.stringify(window.detector),
          constructs: JSON.stringify(window.constructs),
        })
        .where('account', '=', owner.account)
        .where('region', '=', owner.region)
        .where('next_seconds', '=', window.startSeconds)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      const minuteSeconds = window.startSeconds - (window.startSeconds % 60);
      for (const { monitorName, explanation } of window.monitors) {
        await keepMinute(transaction, { owner, monitorName, minuteSeconds, explanation });
      }
      for (const incident of window.incidents) await keepIncident(transaction, owner, incident);
      return true;
    });
  }

  /** What the flows of minutes that are not final add up to; those before `finalSeconds` now are. */
  async keepMetrics(
    owner: Owner,
    metrics: readonly (Omit<MinuteMetrics, 'monitor'> & { readonly monitorName: string })[],
    finalSeconds: number,
  ): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      const tables = transaction.withTables<HealthTablesShape>();
      const open = tables
        .updateTable('health_minute')
        .where('account', '=', owner.account)
        .where('region', '=', owner.region)
        .where('is_final', '=', 0);
      for (const minute of metrics) {
        await open
          .set({
            data_transferred: minute.dataTransferred,
            retransmissions: minute.retransmissions,
            timeouts: minute.timeouts ?? UNKNOWN,
            round_trip_micros: minute.roundTripMicros ?? UNKNOWN,
          })
          .where('monitor', '=', minute.monitorName)
          .where('minute_seconds', '=', minute.minuteSeconds)
          .execute();
      }
      await open.set({ is_final: 1 }).where('minute_seconds', '<', finalSeconds).execute();
    });
  }

  /** A monitor's minutes, the oldest first. */
  async minutes(owner: Owner, monitorName: string, range: SecondsRange): Promise<HealthMinute[]> {
    const rows = await this.#tables()
      .selectFrom('health_minute')
      .selectAll()
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('monitor', '=', monitorName)
      .where('minute_seconds', '>=', range.startSeconds)
      .where('minute_seconds', '<', range.endSeconds)
      .orderBy('minute_seconds')
      .limit(MAX_ROWS)
      .execute();
    return rows.map(minuteOf);
  }

  /** Each monitor's latest minute since a time, by name. */
  async latest(owner: Owner, sinceSeconds: number): Promise<LatestMinute[]> {
    const rows = await this.#tables()
      .selectFrom('health_minute')
      .selectAll()
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('minute_seconds', '>=', sinceSeconds)
      .orderBy('monitor')
      .orderBy('minute_seconds')
      .execute();
    const byMonitor = new Map(rows.map((row) => [row.monitor, row]));
    return [...byMonitor.values()].map((row) => ({
      ...minuteOf(row),
      sentence: (JSON.parse(row.explanation) as HealthExplanation).sentence,
    }));
  }

  /** The worst of the minute at a time, or of the latest before it. */
  async explanationAt(
    owner: Owner,
    monitorName: string,
    atSeconds: number,
  ): Promise<HealthExplanation | undefined> {
    const row = await this.#tables()
      .selectFrom('health_minute')
      .select('explanation')
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('monitor', '=', monitorName)
      .where('minute_seconds', '<=', atSeconds)
      .orderBy('minute_seconds', 'desc')
      .executeTakeFirst();
    return row && (JSON.parse(row.explanation) as HealthExplanation);
  }

  /** What the last window says of each construct. */
  async constructs(owner: Owner): Promise<ConstructHealth[]> {
    const row = await this.#tables()
      .selectFrom('health_state')
      .select('constructs')
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .executeTakeFirst();
    return row === undefined || row.constructs === ''
      ? []
      : (JSON.parse(row.constructs) as ConstructHealth[]);
  }

  /** Incidents that went on at any time of a range, the newest first. */
  async incidents(owner: Owner, range: SecondsRange): Promise<KeptIncident[]> {
    const rows = await this.#tables()
      .selectFrom('health_incident')
      .select('incident')
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .where('opened_seconds', '<', range.endSeconds)
      .where((build) =>
        build.or([
          build('closed_seconds', '=', UNKNOWN),
          build('closed_seconds', '>=', range.startSeconds),
        ]),
      )
      .orderBy('opened_seconds', 'desc')
      .orderBy('id')
      .limit(MAX_INCIDENTS)
      .execute();
    return rows.map(({ incident }) => JSON.parse(incident) as KeptIncident);
  }

  async expire(beforeSeconds: number): Promise<void> {
    const tables = this.#tables();
    await tables.deleteFrom('health_minute').where('minute_seconds', '<', beforeSeconds).execute();
    await tables
      .deleteFrom('health_incident')
      .where('closed_seconds', '!=', UNKNOWN)
      .where('closed_seconds', '<', beforeSeconds)
      .execute();
  }

  #tables() {
    return this.#database.withTables<HealthTablesShape>();
  }
}

/** Of a minute's windows the worst is kept: the indicator is its maximum, as AWS's. */
async function keepMinute(
  transaction: Database,
  minute: {
    readonly owner: Owner;
    readonly monitorName: string;
    readonly minuteSeconds: number;
    readonly explanation: HealthExplanation;
  },
): Promise<void> {
  const { owner, monitorName, minuteSeconds, explanation } = minute;
  const tables = transaction.withTables<HealthTablesShape>();
  const worse = HEALTH_STATES.slice(HEALTH_STATES.indexOf(explanation.state) + 1);
  const found = {
    state: explanation.state,
    indicator: explanation.healthIndicator ?? UNKNOWN,
    explanation: JSON.stringify(explanation),
  };
  await tables
    .insertInto('health_minute')
    .values({
      ...owner,
      ...found,
      monitor: monitorName,
      minute_seconds: minuteSeconds,
      data_transferred: UNKNOWN,
      retransmissions: UNKNOWN,
      timeouts: UNKNOWN,
      round_trip_micros: UNKNOWN,
      is_final: 0,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['account', 'region', 'monitor', 'minute_seconds'])
        .doUpdateSet(found)
        .where('health_minute.state', 'in', [...worse, explanation.state]),
    )
    .execute();
}

async function keepIncident(
  transaction: Database,
  owner: Owner,
  incident: KeptIncident,
): Promise<void> {
  const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);
  const changing = {
    closed_seconds: incident.closedAt === undefined ? UNKNOWN : seconds(incident.closedAt),
    incident: JSON.stringify(incident),
  };
  await transaction
    .withTables<HealthTablesShape>()
    .insertInto('health_incident')
    .values({
      id: incident.incidentId,
      ...owner,
      opened_seconds: seconds(incident.openedAt),
      ...changing,
    })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(changing))
    .execute();
}

function minuteOf(row: MinuteRow): HealthMinute {
  const known = (value: number) => (value === UNKNOWN ? undefined : value);
  return {
    monitorName: row.monitor,
    minute: new Date(row.minute_seconds * 1000).toISOString(),
    state: row.state as HealthState,
    healthIndicator: known(row.indicator) as 0 | 1 | undefined,
    dataTransferred: known(row.data_transferred),
    retransmissions: known(row.retransmissions),
    timeouts: known(row.timeouts),
    roundTripTime: known(row.round_trip_micros),
    isFinal: row.is_final === 1,
  };
}
