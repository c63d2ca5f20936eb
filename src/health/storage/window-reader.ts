import { gunzipSync, gzipSync } from 'node:zlib';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import { canonicalAddress } from '../../model/address.ts';
import type { DestinationCategory } from '../../model/category.ts';
import type { HealthCompleteness } from '../../model/health.ts';
import { ALLOWANCE_COUNTERS } from '../../model/host-stats.ts';
import type { Owner } from '../../model/owner.ts';
import { selectionFilter } from '../../store/flow-filter.ts';
import { joinSql, name, param, type SqlFragment, sql } from '../../store/sql.ts';
import { HOST_STATS } from '../../store/tables/host-stats.ts';
import type {
  ConstructSelection,
  EndPair,
  HostLimits,
  WindowPaths,
} from '../constructs/window-constructs.ts';
import type { CellRow } from '../evidence/cell-row.ts';
import type { CellSums, FirstPass } from '../evidence/first-pass.ts';
import {
  cellsSql,
  cellsWithHistorySql,
  ENDS,
  evidenceSql,
  monitorMask,
  weightsSql,
  windowFilter,
} from '../evidence/first-pass-sql.ts';
import type { HealthWindow } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import type { WindowInputs } from '../verdict/window-inputs.ts';
import type { HealthStore } from './health-store.ts';
import type { MinuteMetrics } from './minute-metrics.ts';

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
  readonly applications: string;
}

/** History older than this says nothing any more: 2^-14 of it is left. */
const HISTORY_DAYS = 14;

/** What windows were judged by: their cells with their baselines, and all else. */
const CELLS_TABLE = 'health_cells';
const INPUTS_TABLE = 'health_inputs';

/** Of the cells' columns, those that are whole numbers. */
const COUNTS = [
  ...['monitors', 'n', 'r', 'rtts', 'rtt_sum', 'rtt_min'],
  ...['tries', 'silent', 'busy', 'rwnd_limited'],
] as const;
const TEXTS = ['host', 'remote', 'class'] as const;
const FLAGS = ['life', 'refused'] as const;
const OWN_HISTORY = [
  ...['h_k', 'h_n', 'h_w', 'h_x', 'h_xx', 'h_m'],
  ...['h_tried', 'h_silent', 'h_busy', 'h_limited'],
] as const;
const CLASS_HISTORY = ['class_k', 'class_n', 'class_tried', 'class_silent', 'prior'] as const;

/** Type and columns of each group; history of a cell is judged as it is kept, in single precision. */
const CELL_TYPES: readonly (readonly [columns: readonly string[], type: string])[] = [
  [TEXTS, 'LowCardinality(String)'],
  [['path'], 'Array(UInt32) CODEC(ZSTD(3))'],
  [COUNTS, 'UInt64 CODEC(T64, ZSTD(3))'],
  [FLAGS, 'UInt8 CODEC(ZSTD(3))'],
  [OWN_HISTORY, 'Float32 CODEC(ZSTD(3))'],
  [CLASS_HISTORY, 'Float64 CODEC(ZSTD(3))'],
];
const CELL_COLUMNS = joinSql(
  CELL_TYPES.flatMap(([columns]) => columns).map((column) => name(column)),
  ', ',
);
/** What is equal in all of these is the same to a verdict, but for what it traverses. */
const CELL_ORDER = sql`host, remote, path, class, n, r, tries, silent, rtt_sum, busy, h_n, h_k, monitors`;

/** Whose, when and under which id: the first columns of what is kept. */
function kept({ owner, startSeconds }: HealthWindow, inputsId: string): SqlFragment {
  return sql`${param('String', owner.account)}, ${param('String', owner.region)}, toDateTime(${param('UInt32', startSeconds)}, 'UTC'), ${param('String', inputsId)}`;
}

function isKept(
  { owner, startSeconds }: Pick<HealthWindow, 'owner' | 'startSeconds'>,
  inputsId: string,
): SqlFragment {
  return sql`account = ${param('String', owner.account)} AND region = ${param('String', owner.region)} AND start = toDateTime(${param('UInt32', startSeconds)}, 'UTC') AND inputs_id = ${param('String', inputsId)}`;
}

/** Questions of a window of flows, answered where the flows are. */
export class WindowReader {
  readonly #store: HealthStore;
  readonly #p: Parameters;
  readonly #retentionSeconds: number;

  constructor(
    store: HealthStore,
    parts: { readonly parameters: Parameters; readonly retentionSeconds: number },
  ) {
    this.#store = store;
    this.#p = parts.parameters;
    this.#retentionSeconds = parts.retentionSeconds;
  }

  /**
   * History of cells as sums, each row weighted as of the start of its week: sums of weeks are
   * aged when they are read, so that a window only ever adds.
   */
  async start(): Promise<void> {
    await this.#store.change(
      sql`CREATE TABLE IF NOT EXISTS health_history (account LowCardinality(String), region LowCardinality(String), class LowCardinality(String), cell UInt64, week Date, k Float64, n Float64, w Float64, x Float64, xx Float64, m Float64, tried Float64, silent Float64, busy Float64, limited Float64) ENGINE = SummingMergeTree PARTITION BY week ORDER BY (account, region, class, cell, week) TTL week + toIntervalDay(${{ fragment: [String(HISTORY_DAYS + 7)] }})`,
    );
    await this.#createKept(
      CELLS_TABLE,
      CELL_TYPES.flatMap(([columns, type]) => columns.map((column) => `${column} ${type}`)),
    );
    await this.#createKept(INPUTS_TABLE, ['packed String']);
    for (const column of ['tried', 'silent', 'busy', 'limited']) {
      await this.#store.change(
        sql`ALTER TABLE health_history ADD COLUMN IF NOT EXISTS ${name(column)} Float64`,
      );
    }
  }

  /** A day is a partition and goes with it. */
  async #createKept(table: string, columns: readonly string[]): Promise<void> {
    const days = String(Math.ceil(this.#retentionSeconds / SECONDS_A_DAY));
    const ttl: SqlFragment = { fragment: [`toDate(start) + toIntervalDay(${days})`] };
    const list: SqlFragment = { fragment: [columns.join(', ')] };
    await this.#store.change(
      sql`CREATE TABLE IF NOT EXISTS ${name(table)} (account LowCardinality(String), region LowCardinality(String), start DateTime('UTC'), inputs_id LowCardinality(String), ${list}) ENGINE = MergeTree PARTITION BY toDate(start) ORDER BY (account, region, start, inputs_id) TTL ${ttl} SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1`,
    );
    await this.#store.change(sql`ALTER TABLE ${name(table)} MODIFY TTL ${ttl}`);
  }

  /** Accounts and Regions with flows in a time range. */
  async owners(startSeconds: number, endSeconds: number): Promise<Owner[]> {
    return await this.#store.query<Owner>(
      sql`SELECT DISTINCT account, region FROM flows WHERE time >= toDateTime(${param('UInt32', startSeconds)}, 'UTC') AND time < toDateTime(${param('UInt32', endSeconds)}, 'UTC') ORDER BY account, region`,
    );
  }

  async pairs(window: HealthWindow): Promise<EndPair[]> {
    const rows = await this.#store.query<Record<string, string>>(
      sql`SELECT pair, ${ENDS}, toString(min(local_ip)) AS local_address, toString(min(local_beyond)) AS local_beyond, toString(min(remote_beyond)) AS remote_address FROM (${cellsSql(window, this.#p)}) GROUP BY pair, ${ENDS} ORDER BY pair`,
    );
    return rows.map((row) => endPair(row, window.owner));
  }

  /**
   * Evidence of every shared construct, and of the hosts whose best column reaches `leastNats`;
   * sums of the monitors' cells and of all. One statement: most of its time is its analysis.
   */
  async firstPass(window: HealthWindow, paths: WindowPaths, minNats: number): Promise<FirstPass> {
    const rows = await this.#store.query<StoredGroup>(
      sql`SELECT t.1 AS kind, t.2 AS number, t.3 AS host, sumForEach(evidence) AS totals, count() AS cells, sum(n) AS segments, sum(r) AS retrans, sum(base) AS expected, countIf(h_n > 0) AS known, countIf(refused OR stalled) AS applications
FROM (SELECT evidence, n, r, base, h_n, refused, stalled,
    arrayJoin(arrayConcat([('all', toUInt32(0), ''), ('host', toUInt32(0), host)], arrayMap(c -> ('shared', c, ''), path), arrayMap(m -> ('monitor', toUInt32(m), ''), bitPositionsToArray(monitors)))) AS t
  FROM (${this.#withPaths(evidenceSql(window, this.#p), paths)}))
GROUP BY t HAVING kind != 'host' OR arrayMax(totals) >= ${param('Float64', minNats)}
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
      applications: Number(rows.find(({ kind }) => kind === 'all')?.applications ?? 0),
    };
  }

  /** Instances that reported in a window. */
  async instances(window: HealthWindow): Promise<string[]> {
    const rows = await this.#store.query<{ instance: string }>(
      sql`SELECT DISTINCT local_instance AS instance FROM flows WHERE local_instance != '' AND ${windowFilter(window)} ORDER BY instance`,
    );
    return rows.map(({ instance }) => instance);
  }

  /** Keeps the cells through any of these constructs, or all, as they are to be judged. */
  async keepCells(
    window: HealthWindow,
    cells: {
      readonly inputsId: string;
      readonly paths: WindowPaths;
      readonly only: ConstructSelection | undefined;
      readonly limit: number;
    },
  ): Promise<void> {
    const { inputsId, paths, only, limit } = cells;
    const where = only === undefined ? sql`1` : this.#through(only);
    await this.#store.change(
      sql`INSERT INTO ${name(CELLS_TABLE)} SELECT ${kept(window, inputsId)}, ${CELL_COLUMNS} FROM (${this.#withPaths(cellsWithHistorySql(window, this.#p), paths)}) WHERE ${where} ORDER BY ${CELL_ORDER} LIMIT ${param('UInt32', limit)}`,
    );
  }

  /** The cells that were kept. */
  async cells(
    { owner, startSeconds }: Pick<HealthWindow, 'owner' | 'startSeconds'>,
    inputsId: string,
  ): Promise<CellRow[]> {
    // What is kept as Float32 is printed as the shortest text that names it, which is another double.
    const floats = joinSql(
      [...COUNTS, ...OWN_HISTORY].map(
        (column) => sql`toFloat64(${name(column)}) AS ${name(column)}`,
      ),
      ', ',
    );
    return await this.#store.query<CellRow>(
      sql`SELECT * REPLACE (${floats}) FROM (SELECT ${CELL_COLUMNS} FROM ${name(CELLS_TABLE)} WHERE ${isKept({ owner, startSeconds }, inputsId)} ORDER BY ${CELL_ORDER})`,
    );
  }

  /** Keeps the rest of what a window is judged by. */
  async keepInputs(window: HealthWindow, inputsId: string, inputs: WindowInputs): Promise<void> {
    const rest = { ...inputs, rows: [], first: [] };
    const packed = gzipSync(JSON.stringify(rest)).toString('base64');
    await this.#store.change(
      sql`INSERT INTO ${name(INPUTS_TABLE)} SELECT ${kept(window, inputsId)}, ${param('String', packed)}`,
    );
  }

  /** What a window was judged by; undefined when it is not kept any more. */
  async inputs(
    owner: Owner,
    { inputsId, startSeconds }: { readonly inputsId: string; readonly startSeconds: number },
  ): Promise<WindowInputs | undefined> {
    const [row] = await this.#store.query<{ packed: string }>(
      sql`SELECT packed FROM ${name(INPUTS_TABLE)} WHERE ${isKept({ owner, startSeconds }, inputsId)}`,
    );
    if (row === undefined) return undefined;
    const rest = JSON.parse(gunzipSync(Buffer.from(row.packed, 'base64')).toString());
    return { ...rest, rows: await this.cells({ owner, startSeconds }, inputsId) };
  }

  /** Adds a window to the history of its cells, but for those that traverse what is excluded. */
  async learn(
    window: HealthWindow,
    paths: WindowPaths,
    excluded: ConstructSelection,
  ): Promise<void> {
    const { owner, startSeconds } = window;
    const start = sql`toDateTime(${param('UInt32', startSeconds)}, 'UTC')`;
    const weekOf = sql`toMonday(${start}, 'UTC')`;
    const grown = sql`exp2(dateDiff('second', toDateTime(${weekOf}, 'UTC'), ${start}) / ${param('Float64', this.#p.halfLifeSeconds)})`;
    await this.#store.change(
      sql`INSERT INTO health_history SELECT ${param('String', owner.account)} AS account, ${param('String', owner.region)} AS region, class, cell, ${weekOf} AS week,
  loss_weight * grown * r AS k, loss_weight * grown * n AS n_added, rtt_weight * grown AS w, if(w > 0, w * log(rtt_sum / rtts), 0) AS x, if(w > 0, w * pow(log(rtt_sum / rtts), 2), 0) AS xx, if(w > 0, w * log(greatest(rtt_min, 1)), 0) AS m,
  silence_weight * grown * tries AS tried, silence_weight * grown * silent AS silent_added, wait_weight * grown * busy AS busy_added, wait_weight * grown * rwnd_limited AS limited
FROM (SELECT *, ${grown} AS grown, if(stalled, ${param('Float64', this.#p.stallWeight)}, 1) AS wait_weight FROM (${this.#withPaths(weightsSql(window, this.#p), paths)})) WHERE NOT (${this.#through(excluded)}) AND (n > 0 OR rtts > 0 OR tries > 0)`,
    );
  }

  /** Minutes with data only, by monitor. Every category counts here. */
  async metrics(window: HealthWindow): Promise<MinuteMetrics[]> {
    const rows = await this.#store.query<Record<string, string | number | null>>(
      sql`SELECT arrayJoin(bitPositionsToArray(${monitorMask(window)})) AS monitor, toUnixTimestamp(toStartOfMinute(time)) AS minute, sum(bytes_received + bytes_delivered) AS bytes, sum(toUInt64(retrans_syn) + retrans_est + retrans_close) AS retransmissions, sum(toUInt64(rtos_syn) + rtos_est + rtos_close) AS timeouts, sum(rtt_us_sum) AS rtt_sum, sum(rtt_us_count) AS rtts FROM flows WHERE ${windowFilter(window)} GROUP BY monitor, minute ORDER BY monitor, minute`,
    );
    return rows.map((row) => ({
      monitor: Number(row.monitor),
      minuteSeconds: Number(row.minute),
      dataTransferred: Number(row.bytes),
      retransmissions: Number(row.retransmissions),
      timeouts: row.timeouts === null ? undefined : Number(row.timeouts),
      roundTripMicros:
        Number(row.rtts) > 0 ? Math.round(Number(row.rtt_sum) / Number(row.rtts)) : undefined,
    }));
  }

  /**
   * How much of what each monitor's hosts did is known: hosts that reported, of those that did since
   * some time before, and what of theirs was cut from reports.
   */
  async completeness(window: HealthWindow, sinceSeconds: number): Promise<HealthCompleteness[]> {
    const since = windowFilter({ ...window, startSeconds: sinceSeconds });
    const isNow = sql`time >= toDateTime(${param('UInt32', window.startSeconds)}, 'UTC')`;
    const bytes = sql`bytes_received + bytes_delivered`;
    const hosts = sql`SELECT if(local_instance = '', toString(local_ip), local_instance) AS host,
  groupBitOr(${monitorMask(window)}) AS bits, max(${isNow}) AS is_now, sumIf(flows_cut, ${isNow}) AS cut, countIf(flows_cut = 0 AND ${isNow}) AS told, sumIf(${bytes}, flows_cut > 0 AND ${isNow}) AS bytes_cut, sumIf(${bytes}, ${isNow}) AS bytes_all
FROM flows WHERE ${since} GROUP BY host`;
    const rows = await this.#store.query<Record<string, string>>(
      sql`SELECT arrayJoin(bitPositionsToArray(bits)) AS monitor, sum(is_now) AS now, count() AS lately, sum(cut) AS cut_flows, sum(told) AS told_flows, sum(bytes_cut) AS cut_bytes, sum(bytes_all) AS all_bytes FROM (${hosts}) GROUP BY monitor`,
    );
    const share = (part: unknown, whole: number) => (whole > 0 ? Number(part) / whole : undefined);
    return window.monitors.map((_, i) => {
      const row = rows.find(({ monitor }) => Number(monitor) === i);
      if (row === undefined) return {};
      return {
        hosts: share(row.now, Number(row.lately)),
        flowsCut: share(row.cut_flows, Number(row.cut_flows) + Number(row.told_flows)),
        bytesCut: share(row.cut_bytes, Number(row.all_bytes)),
      };
    });
  }

  /** Hosts whose allowance counters rose in a window, and those whose did not. */
  async limits(window: HealthWindow): Promise<HostLimits> {
    const { owner, startSeconds, endSeconds } = window;
    const exceeded = joinSql(
      ALLOWANCE_COUNTERS.map((counter) => sql`ifNull(sum(${name(counter)}), 0) > 0`),
      ' OR ',
    );
    const known = joinSql(
      ALLOWANCE_COUNTERS.map((counter) => sql`count(${name(counter)}) > 0`),
      ' OR ',
    );
    const rows = await this.#store.query<{ host: string; exceeded: number }>(
      sql`SELECT concat('host:', instance) AS host, ${exceeded} AS exceeded FROM ${name(HOST_STATS.name)} WHERE account = ${param('String', owner.account)} AND region = ${param('String', owner.region)} AND ${selectionFilter({ startSeconds, endSeconds })} GROUP BY instance HAVING ${known} ORDER BY host`,
    );
    const of = (is: boolean) =>
      rows.filter((row) => Boolean(row.exceeded) === is).map(({ host }) => host);
    return { exceeded: of(true), within: of(false) };
  }

  #withPaths(cells: SqlFragment, { pairs, paths, hosts, hostPaths }: WindowPaths): SqlFragment {
    const table = (type: string, keys: readonly unknown[], values: typeof paths) =>
      sql`(SELECT t.1 AS key, t.2 AS path FROM (SELECT arrayJoin(arrayZip(${param(`Array(${type})`, [...keys])}, ${param('Array(Array(UInt32))', values)})) AS t))`;
    const paired = sql`SELECT e.*, p.path AS pair_path FROM (${cells}) AS e LEFT JOIN ${table('UInt64', pairs.map(BigInt), paths)} AS p ON e.pair = p.key`;
    if (hosts.length === 0) return sql`SELECT *, pair_path AS path FROM (${paired})`;
    return sql`SELECT e.*, arrayConcat(pair_path, g.path) AS path FROM (${paired}) AS e LEFT JOIN ${table('String', hosts, hostPaths)} AS g ON e.host = g.key`;
  }

  #through({ shared, ends }: ConstructSelection): SqlFragment {
    return sql`hasAny(path, ${param('Array(UInt32)', [...shared])}) OR host IN (${param('Array(String)', [...ends])}) OR remote IN (${param('Array(String)', [...ends])})`;
  }
}

function monitorSums(row: StoredGroup | undefined): CellSums {
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
      beyondNat: address('local_beyond'),
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
