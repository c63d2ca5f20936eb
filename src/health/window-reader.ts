import type { DestinationCategory } from '../model/category.ts';
import type { Owner } from '../model/owner.ts';
import { param, type SqlFragment, sql } from '../store/sql.ts';
import {
  baselineSql,
  cellsSql,
  ENDS,
  evidenceSql,
  type FlowWindow,
  MOST_MONITORS,
  monitorMask,
  windowFilter,
} from './first-pass-sql.ts';
import type { LocalEnd, RemoteEnd } from './flow-constructs.ts';
import type { Parameters } from './parameters.ts';
import type { MonitorSums } from './verdict.ts';

/** What of `FlowStore` health needs. */
export interface HealthStore {
  query<Row>(statement: SqlFragment, signal?: AbortSignal): Promise<Row[]>;
  change(statement: SqlFragment): Promise<void>;
}

/** Two ends between which flows went, by the hash the cells have of them. */
export interface EndPair {
  readonly pair: string;
  readonly local: LocalEnd;
  readonly remote: RemoteEnd;
}

/** The shared constructs of each pair, by number. */
export interface PairPaths {
  readonly pairs: readonly string[];
  readonly paths: readonly (readonly number[])[];
}

/** Evidence of a construct before anything is explained: shared ones by number, hosts by name. */
export interface FirstPassRow {
  readonly construct: number | string;
  readonly totals: readonly number[];
  readonly sums: MonitorSums;
}

export interface CellRow {
  readonly host: string;
  readonly remote: string;
  readonly class: string;
  readonly pair: string;
  readonly monitors: string;
  readonly n: number;
  readonly r: number;
  readonly rtts: number;
  readonly rtt_sum: number;
  readonly rtt_min: number;
  readonly life: number;
  readonly refused: number;
  readonly h_k: number;
  readonly h_n: number;
  readonly h_w: number;
  readonly h_x: number;
  readonly h_xx: number;
  readonly h_m: number;
  readonly class_k: number;
  readonly class_n: number;
  readonly prior: number;
}

export interface WindowSums {
  /** In the order of the window's monitors. */
  readonly monitors: readonly MonitorSums[];
  readonly all: MonitorSums;
  readonly refused: number;
}

/** What a monitor's flows of a minute add up to. */
export interface MinuteMetrics {
  readonly monitor: number;
  readonly minuteSeconds: number;
  readonly dataTransferred: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  /** Average of all samples, microseconds; undefined without one. */
  readonly roundTripMicros: number | undefined;
}

/** Hosts and shared constructs whose cells are not to be learned from. */
export interface Excluded {
  readonly shared: readonly number[];
  readonly ends: readonly string[];
}

/** History older than this says nothing any more: 2^-14 of it is left. */
const HISTORY_DAYS = 14;

/** Questions of a window of flows, answered where the flows are. */
export class WindowReader {
  readonly #store: HealthStore;
  readonly #p: Parameters;

  constructor(store: HealthStore, p: Parameters) {
    this.#store = store;
    this.#p = p;
  }

  /**
   * History of cells as sums, each row weighted as of the start of its week: sums of weeks are
   * aged when they are read, so that a window only ever adds.
   */
  async start(): Promise<void> {
    await this.#store.change(
      sql`CREATE TABLE IF NOT EXISTS health_history (account LowCardinality(String), region LowCardinality(String), class LowCardinality(String), cell UInt64, week Date, k Float64, n Float64, w Float64, x Float64, xx Float64, m Float64) ENGINE = SummingMergeTree PARTITION BY week ORDER BY (account, region, class, cell, week) TTL week + toIntervalDay(${{ fragment: [String(HISTORY_DAYS + 7)] }})`,
    );
  }

  /** Accounts and Regions with flows in a time range. */
  async owners(startSeconds: number, endSeconds: number): Promise<Owner[]> {
    return await this.#store.query<Owner>(
      sql`SELECT DISTINCT account, region FROM flows WHERE time >= toDateTime(${param('UInt32', startSeconds)}, 'UTC') AND time < toDateTime(${param('UInt32', endSeconds)}, 'UTC') ORDER BY account, region`,
    );
  }

  async pairs(window: FlowWindow): Promise<EndPair[]> {
    const rows = await this.#store.query<Record<string, string>>(
      sql`SELECT DISTINCT pair, ${ENDS} FROM (${cellsSql(window)}) ORDER BY pair`,
    );
    return rows.map((row) => endPair(row, window.owner));
  }

  /** Every shared construct, and the hosts whose best column reaches `leastNats`. */
  async firstPass(
    window: FlowWindow,
    { pairs, paths }: PairPaths,
    leastNats: number,
  ): Promise<FirstPassRow[]> {
    const rows = await this.#store.query<{
      readonly shared: number;
      readonly host: string;
      readonly totals: number[];
      readonly cells: string;
      readonly segments: number;
      readonly retrans: number;
      readonly expected: number;
      readonly known: string;
    }>(
      sql`SELECT t.1 AS shared, t.2 AS host, sumForEach(evidence) AS totals, count() AS cells, sum(n) AS segments, sum(r) AS retrans, sum(base) AS expected, countIf(h_n > 0) AS known
FROM (SELECT evidence, n, r, base, h_n,
    arrayJoin(arrayConcat(arrayMap(c -> (toInt32(c), ''), path), [(toInt32(-1), host)])) AS t
  FROM (${this.#evidenceWithPaths(window, { pairs, paths })}))
GROUP BY t HAVING shared >= 0 OR arrayMax(totals) >= ${param('Float64', leastNats)}
ORDER BY shared, host`,
    );
    return rows.map(({ shared, host, totals, cells, known, segments, retrans, expected }) => ({
      construct: shared >= 0 ? shared : host,
      totals,
      sums: { cells: Number(cells), segments, retrans, expected, known: Number(known) },
    }));
  }

  /** Cells through any of these constructs, or all. */
  async cells(
    window: FlowWindow,
    { paths, only, limit }: { paths: PairPaths; only: Excluded | undefined; limit: number },
  ): Promise<CellRow[]> {
    const where = only === undefined ? sql`1` : this.#through(only);
    const rows = await this.#store.query<CellRow>(
      sql`SELECT host, remote, class, pair, monitors, n, r, rtts, rtt_sum, rtt_min, life, refused, h_k, h_n, h_w, h_x, h_xx, h_m, class_k, class_n, prior FROM (${this.#evidenceWithPaths(window, paths)}) WHERE ${where} ORDER BY host, remote, pair, n, r LIMIT ${param('UInt32', limit)}`,
    );
    return rows;
  }

  /** Each monitor's sums, and those of all cells; how many were refused. */
  async sums(window: FlowWindow): Promise<WindowSums> {
    const rows = await this.#store.query<Record<string, string | number>>(
      sql`SELECT arrayJoin(arrayConcat([${param('UInt32', MOST_MONITORS)}], bitPositionsToArray(monitors))) AS monitor, count() AS cells, sum(n) AS segments, sum(r) AS retrans, sum(base) AS expected, countIf(h_n > 0) AS known, sum(refused) AS refused FROM (${baselineSql(window, this.#p)}) GROUP BY monitor ORDER BY monitor`,
    );
    const found = new Map(rows.map((row) => [Number(row.monitor), row]));
    const of = (monitor: number): MonitorSums => {
      const row = found.get(monitor) ?? {};
      return {
        cells: Number(row.cells ?? 0),
        segments: Number(row.segments ?? 0),
        retrans: Number(row.retrans ?? 0),
        expected: Number(row.expected ?? 0),
        known: Number(row.known ?? 0),
      };
    };
    return {
      monitors: window.monitors.map((_, i) => of(i)),
      all: of(MOST_MONITORS),
      refused: Number(found.get(MOST_MONITORS)?.refused ?? 0),
    };
  }

  /** Adds a window to the history of its cells, but for those that traverse what is excluded. */
  async learn(window: FlowWindow, paths: PairPaths, excluded: Excluded): Promise<void> {
    const { owner, startSeconds } = window;
    const start = sql`toDateTime(${param('UInt32', startSeconds)}, 'UTC')`;
    const weekOf = sql`toMonday(${start}, 'UTC')`;
    const grown = sql`exp2(dateDiff('second', toDateTime(${weekOf}, 'UTC'), ${start}) / ${param('Float64', this.#p.halfLifeSeconds)})`;
    await this.#store.change(
      sql`INSERT INTO health_history SELECT ${param('String', owner.account)} AS account, ${param('String', owner.region)} AS region, class, cell, ${weekOf} AS week,
  loss_weight * grown * r AS k, loss_weight * grown * n AS n_added, rtt_weight * grown AS w, if(w > 0, w * log(rtt_sum / rtts), 0) AS x, if(w > 0, w * pow(log(rtt_sum / rtts), 2), 0) AS xx, if(w > 0, w * log(greatest(rtt_min, 1)), 0) AS m
FROM (SELECT *, ${grown} AS grown FROM (${this.#evidenceWithPaths(window, paths)})) WHERE NOT (${this.#through(excluded)}) AND (n > 0 OR rtts > 0)`,
    );
  }

  /** Minutes with data only, by monitor. Every category counts here. */
  async metrics(window: FlowWindow): Promise<MinuteMetrics[]> {
    const rows = await this.#store.query<Record<string, string | number>>(
      sql`SELECT arrayJoin(bitPositionsToArray(${monitorMask(window)})) AS monitor, toUnixTimestamp(toStartOfMinute(time)) AS minute, sum(bytes_received + bytes_delivered) AS bytes, sum(toUInt64(retrans_syn) + retrans_est + retrans_close) AS retransmissions, sum(toUInt64(rtos_syn) + rtos_est + rtos_close) AS timeouts, sum(rtt_us_sum) AS rtt_sum, sum(rtt_us_count) AS rtts FROM flows WHERE ${windowFilter(window)} GROUP BY monitor, minute ORDER BY monitor, minute`,
    );
    return rows.map((row) => ({
      monitor: Number(row.monitor),
      minuteSeconds: Number(row.minute),
      dataTransferred: Number(row.bytes),
      retransmissions: Number(row.retransmissions),
      timeouts: Number(row.timeouts),
      roundTripMicros:
        Number(row.rtts) > 0 ? Math.round(Number(row.rtt_sum) / Number(row.rtts)) : undefined,
    }));
  }

  /** Hosts that reported in a time range. */
  async hosts(window: FlowWindow): Promise<number> {
    const [row] = await this.#store.query<{ hosts: string }>(
      sql`SELECT uniqExact(if(local_instance = '', toString(local_ip), local_instance)) AS hosts FROM flows WHERE ${windowFilter(window)}`,
    );
    return Number(row?.hosts ?? 0);
  }

  #evidenceWithPaths(window: FlowWindow, { pairs, paths }: PairPaths): SqlFragment {
    return sql`SELECT e.*, path FROM (${evidenceSql(window, this.#p)}) AS e
LEFT JOIN (SELECT t.1 AS p_pair, t.2 AS path FROM (SELECT arrayJoin(arrayZip(${param('Array(UInt64)', pairs.map(BigInt))}, ${param('Array(Array(UInt32))', paths)})) AS t)) AS p ON e.pair = p.p_pair`;
  }

  #through({ shared, ends }: Excluded): SqlFragment {
    return sql`hasAny(path, ${param('Array(UInt32)', [...shared])}) OR host IN (${param('Array(String)', [...ends])}) OR remote IN (${param('Array(String)', [...ends])})`;
  }
}

function endPair(row: Readonly<Record<string, string>>, owner: Owner): EndPair {
  const text = (column: string) => row[column] ?? '';
  return {
    pair: text('pair'),
    local: {
      ...owner,
      vpcId: text('local_vpc'),
      subnetId: text('local_subnet'),
      az: text('local_az'),
      instanceId: '',
      deployment: text('deployment'),
    },
    remote: {
      account: text('remote_account'),
      region: text('remote_region'),
      vpcId: text('remote_vpc'),
      subnetId: text('remote_subnet'),
      az: text('remote_az'),
      instanceId: '',
      category: text('category') as DestinationCategory,
      remoteIdentifier: text('remote_identifier'),
    },
  };
}
