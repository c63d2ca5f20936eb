import { type Database, runMigrations } from '../../lib/database.ts';
import {
  type ConstructHealth,
  HEALTH_STATES,
  type HealthExplanation,
  type HealthMinute,
} from '../../model/health.ts';
import type { Owner } from '../../model/owner.ts';
import { isoTime } from '../iso-time.ts';
import type { DetectorState } from '../search/detect.ts';
import type { KeptIncident } from '../verdict/incidents.ts';
import {
  HEALTH_MIGRATIONS,
  type HealthTablesShape,
  type MinuteRow,
  UNKNOWN,
} from './control-schema.ts';
import type { MinuteMetrics } from './minute-metrics.ts';

export interface OwnerState {
  readonly nextSeconds: number;
  readonly detector: DetectorState;
}

/** A judged window, as stored. */
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
 * Verdicts, detector state and incidents in the control database. One transaction writes those of a
 * window and the start of the next window, so only the first of several servers judges a window, and
 * a restart changes nothing.
 */
export class HealthTables {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async start(): Promise<void> {
    await runMigrations(this.#database, 'health', HEALTH_MIGRATIONS);
  }

  async stateOf(owner: Owner): Promise<OwnerState | undefined> {
    const row = await this.#tables()
      .selectFrom('health_state')
      .select(['next_seconds', 'detector'])
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { nextSeconds: row.next_seconds, detector: JSON.parse(row.detector) };
  }

  /** Sets an owner's next window, at the beginning or after a gap that is too long to judge. */
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

  /** Returns false, and writes nothing, if another server has judged the window already. */
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

  /** Writes the sums of minutes that are not final. Minutes before `finalSeconds` become final. */
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

  /** The minutes of a monitor, the oldest first. */
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

  /** The latest minute of each monitor since a time, by monitor name. */
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
    return [...byMonitor.values()].map((row) => {
      const { sentence }: HealthExplanation = JSON.parse(row.explanation);
      return { ...minuteOf(row), sentence };
    });
  }

  /** The worst explanation of the minute at a time, or of the last minute before it. */
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
    return row && JSON.parse(row.explanation);
  }

  /** The health of each construct in the last window. */
  async constructs(owner: Owner): Promise<ConstructHealth[]> {
    const row = await this.#tables()
      .selectFrom('health_state')
      .select('constructs')
      .where('account', '=', owner.account)
      .where('region', '=', owner.region)
      .executeTakeFirst();
    return row === undefined || row.constructs === '' ? [] : JSON.parse(row.constructs);
  }

  /** The incidents that were open at any time of a range, the newest first. */
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
    return rows.map(({ incident }) => JSON.parse(incident));
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

/** Keeps the worst window of a minute. The indicator is the maximum, like that of AWS. */
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
  const found: Pick<MinuteRow, 'state' | 'indicator' | 'explanation'> = {
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
    minute: isoTime(row.minute_seconds),
    state: row.state,
    healthIndicator: row.indicator === UNKNOWN ? undefined : row.indicator,
    dataTransferred: known(row.data_transferred),
    retransmissions: known(row.retransmissions),
    timeouts: known(row.timeouts),
    roundTripTime: known(row.round_trip_micros),
    isFinal: row.is_final === 1,
  };
}
