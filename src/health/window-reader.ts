import { canonicalAddress } from '../model/address.ts';
import type { DestinationCategory } from '../model/category.ts';
import type { Owner } from '../model/owner.ts';
import { param, type SqlFragment, sql } from '../store/sql.ts';
import {
  cellsSql,
  cellsWithHistorySql,
  ENDS,
  evidenceSql,
  type FlowWindow,
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

export interface FirstPass {
  readonly constructs: readonly FirstPassRow[];
  /** In the order of the window's monitors. */
  readonly monitors: readonly MonitorSums[];
  readonly all: MonitorSums;
  /** Cells whose connections were refused. */
  readonly refused: number;
}

/** A group of cells as the first pass has it. */
interface StoredGroup {
  readonly kind: 'all' | 'host' | 'shared' | 'monitor';
  readonly number: number;
  readonly host: string;
  readonly totals: readonly number[];
  readonly cells: string;
  readonly segments: number;
  readonly retrans: number;
  readonly expected: number;
  readonly known: string;
  readonly refused: string;
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
      sql`SELECT pair, ${ENDS}, toString(min(local_ip)) AS local_address, toString(min(remote_ip)) AS remote_address FROM (${cellsSql(window)}) GROUP BY pair, ${ENDS} ORDER BY pair`,
    );
    return rows.map((row) => endPair(row, window.owner));
  }

  /**
   * Evidence of every shared construct, and of the hosts whose best column reaches `leastNats`;
   * sums of the monitors' cells and of all. One statement: most of its time is its analysis.
   */
  async firstPass(
    window: FlowWindow,
    { pairs, paths }: PairPaths,
    leastNats: number,
  ): Promise<FirstPass> {
    const rows = await this.#store.query<StoredGroup>(
      sql`SELECT t.1 AS kind, t.2 AS number, t.3 AS host, sumForEach(evidence) AS totals, count() AS cells, sum(n) AS segments, sum(r) AS retrans, sum(base) AS expected, countIf(h_n > 0) AS known, sum(refused) AS refused
FROM (SELECT evidence, n, r, base, h_n, refused,
    arrayJoin(arrayConcat([('all', toUInt32(0), ''), ('host', toUInt32(0), host)], arrayMap(c -> ('shared', c, ''), path), arrayMap(m -> ('monitor', toUInt32(m), ''), bitPositionsToArray(monitors)))) AS t
  FROM (${this.#withPaths(evidenceSql(window, this.#p), { pairs, paths })}))
GROUP BY t HAVING kind != 'host' OR arrayMax(totals) >= ${param('Float64', leastNats)}
ORDER BY kind, number, host`,
    );
    const sumsOf = (wanted: StoredGroup['kind'], at: number) =>
      monitorSums(rows.find(({ kind, number }) => kind === wanted && number === at));
    return {
      constructs: rows
        .filter(({ kind }) => kind === 'shared' || kind === 'host')
        .map((row) => ({
          construct: row.kind === 'host' ? row.host : row.number,
          totals: row.totals,
          sums: monitorSums(row),
        })),
      monitors: window.monitors.map((_, i) => sumsOf('monitor', i)),
      all: sumsOf('all', 0),
      refused: Number(rows.find(({ kind }) => kind === 'all')?.refused ?? 0),
    };
  }

  /** Cells through any of these constructs, or all. */
  async cells(
    window: FlowWindow,
    { paths, only, limit }: { paths: PairPaths; only: Excluded | undefined; limit: number },
  ): Promise<CellRow[]> {
    const where = only === undefined ? sql`1` : this.#through(only);
    const rows = await this.#store.query<CellRow>(
      sql`SELECT host, remote, class, pair, monitors, n, r, rtts, rtt_sum, rtt_min, life, refused, h_k, h_n, h_w, h_x, h_xx, h_m, class_k, class_n, prior FROM (${this.#withPaths(cellsWithHistorySql(window, this.#p), paths)}) WHERE ${where} ORDER BY host, remote, pair, n, r LIMIT ${param('UInt32', limit)}`,
    );
    return rows;
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
FROM (SELECT *, ${grown} AS grown FROM (${this.#withPaths(evidenceSql(window, this.#p), paths)})) WHERE NOT (${this.#through(excluded)}) AND (n > 0 OR rtts > 0)`,
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

  /** Hosts that reported in a window, of those that did since some time before; undefined if none. */
  async completeness(window: FlowWindow, sinceSeconds: number): Promise<number | undefined> {
    const host = sql`if(local_instance = '', toString(local_ip), local_instance)`;
    const isNow = sql`time >= toDateTime(${param('UInt32', window.startSeconds)}, 'UTC')`;
    const [row] = await this.#store.query<{ now: string; lately: string }>(
      sql`SELECT uniqExactIf(${host}, ${isNow}) AS now, uniqExact(${host}) AS lately FROM flows WHERE ${windowFilter({ ...window, startSeconds: sinceSeconds })}`,
    );
    const lately = Number(row?.lately ?? 0);
    return lately === 0 ? undefined : Number(row?.now) / lately;
  }

  #withPaths(cells: SqlFragment, { pairs, paths }: PairPaths): SqlFragment {
    return sql`SELECT e.*, path FROM (${cells}) AS e
LEFT JOIN (SELECT t.1 AS p_pair, t.2 AS path FROM (SELECT arrayJoin(arrayZip(${param('Array(UInt64)', pairs.map(BigInt))}, ${param('Array(Array(UInt32))', paths)})) AS t)) AS p ON e.pair = p.p_pair`;
  }

  #through({ shared, ends }: Excluded): SqlFragment {
    return sql`hasAny(path, ${param('Array(UInt32)', [...shared])}) OR host IN (${param('Array(String)', [...ends])}) OR remote IN (${param('Array(String)', [...ends])})`;
  }
}

function monitorSums(row: StoredGroup | undefined): MonitorSums {
  if (row === undefined) return { cells: 0, segments: 0, retrans: 0, expected: 0, known: 0 };
  const { cells, segments, retrans, expected, known } = row;
  return { cells: Number(cells), segments, retrans, expected, known: Number(known) };
}

function endPair(row: Readonly<Record<string, string>>, owner: Owner): EndPair {
  const text = (column: string) => row[column] ?? '';
  const address = (column: string) => canonicalAddress(text(column)) ?? '';
  return {
    pair: text('pair'),
    local: {
      ...owner,
      address: address('local_address'),
      vpcId: text('local_vpc'),
      subnetId: text('local_subnet'),
      az: text('local_az'),
      instanceId: '',
      deployment: text('deployment'),
    },
    remote: {
      address: address('remote_address'),
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
