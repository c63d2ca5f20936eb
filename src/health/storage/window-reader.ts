import { canonicalAddress } from '../../model/address.ts';
import type { DestinationCategory } from '../../model/category.ts';
import type { HealthCompleteness } from '../../model/health.ts';
import { ALLOWANCE_COUNTERS } from '../../model/host-stats.ts';
import type { Owner } from '../../model/owner.ts';
import type { InstanceRef } from '../../model/topology.ts';
import { selectionFilter } from '../../store/flow-filter.ts';
import { joinSql, name, param, sql } from '../../store/sql.ts';
import { HOST_STATS } from '../../store/tables/host-stats.ts';
import type { EndPair, HostLimits, WindowPaths } from '../constructs/window-constructs.ts';
import type { CellSums, FirstPass } from '../evidence/first-pass.ts';
import {
  cellsSql,
  ENDS,
  evidenceSql,
  monitorMask,
  windowFilter,
} from '../evidence/first-pass-sql.ts';
import { withPathsSql } from '../evidence/paths-sql.ts';
import type { HealthWindow } from '../health-window.ts';
import type { Parameters } from '../parameters.ts';
import { dateTime, ofOwner } from '../sql-values.ts';
import type { HealthStore } from './health-store.ts';
import type { MinuteMetrics } from './minute-metrics.ts';

/** A row of the first pass: a group of cells. */
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

/** Queries about a window, answered where the flows are. */
export class WindowReader {
  readonly #store: HealthStore;
  readonly #p: Parameters;

  constructor(store: HealthStore, p: Parameters) {
    this.#store = store;
    this.#p = p;
  }

  /** The accounts and Regions with flows in a time range. */
  async owners(startSeconds: number, endSeconds: number): Promise<Owner[]> {
    return await this.#store.query<Owner>(
      sql`SELECT DISTINCT account, region FROM flows WHERE time >= ${dateTime(startSeconds)} AND time < ${dateTime(endSeconds)} ORDER BY account, region`,
    );
  }

  async pairs(window: HealthWindow): Promise<EndPair[]> {
    const rows = await this.#store.query<Record<string, string>>(
      sql`SELECT pair, ${ENDS}, toString(min(local_ip)) AS local_address, toString(min(local_beyond)) AS local_beyond, toString(min(remote_beyond)) AS remote_address FROM (${cellsSql(window, this.#p)}) GROUP BY pair, ${ENDS} ORDER BY pair`,
    );
    return rows.map((row) => endPair(row, window.owner));
  }

  /**
   * The evidence about every shared construct and about hosts whose best column reaches `minNats`,
   * with sums over the cells of each monitor and over all cells. It is one statement, because
   * ClickHouse spends most of the time on its analysis.
   */
  async firstPass(window: HealthWindow, paths: WindowPaths, minNats: number): Promise<FirstPass> {
    const rows = await this.#store.query<StoredGroup>(
      sql`SELECT t.1 AS kind, t.2 AS number, t.3 AS host, sumForEach(evidence) AS totals, count() AS cells, sum(n) AS segments, sum(r) AS retrans, sum(base) AS expected, countIf(h_n > 0) AS known, countIf(refused OR stalled) AS applications
FROM (SELECT evidence, n, r, base, h_n, refused, stalled,
    arrayJoin(arrayConcat([('all', toUInt32(0), ''), ('host', toUInt32(0), host)], arrayMap(c -> ('shared', c, ''), path), arrayMap(m -> ('monitor', toUInt32(m), ''), bitPositionsToArray(monitors)))) AS t
  FROM (${withPathsSql(evidenceSql(window, this.#p), paths)}))
GROUP BY t HAVING kind != 'host' OR arrayMax(totals) >= ${param('Float64', minNats)}
ORDER BY kind, number, host`,
    );
    const sumsOf = (wanted: StoredGroup['kind'], at: number) =>
      cellSums(rows.find(({ kind, number }) => kind === wanted && number === at));
    return {
      constructs: rows
        .filter(({ kind }) => kind === 'shared' || kind === 'host')
        .map((row) => ({
          construct: row.kind === 'host' ? row.host : row.number,
          totals: row.totals,
          sums: cellSums(row),
        })),
      monitors: window.monitors.map((_, i) => sumsOf('monitor', i)),
      all: sumsOf('all', 0),
      applications: Number(rows.find(({ kind }) => kind === 'all')?.applications ?? 0),
    };
  }

  /** The instances that reported in a window. */
  async instances(window: HealthWindow): Promise<InstanceRef[]> {
    const rows = await this.#store.query<{ instance: string }>(
      sql`SELECT DISTINCT local_instance AS instance FROM flows WHERE local_instance != '' AND ${windowFilter(window)} ORDER BY instance`,
    );
    const { account } = window.owner;
    return rows.map(({ instance: instanceId }) => ({ account, instanceId }));
  }

  /** The sums of each monitor's minutes with flows. All categories count here. */
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
   * How complete the reports of each monitor's hosts are: the share of hosts that reported in the
   * window, among the hosts that reported since `sinceSeconds`, and the share of flows and bytes
   * cut from their reports.
   */
  async completeness(window: HealthWindow, sinceSeconds: number): Promise<HealthCompleteness[]> {
    const since = windowFilter({ ...window, startSeconds: sinceSeconds });
    const isNow = sql`time >= ${dateTime(window.startSeconds)}`;
    const bytes = sql`bytes_received + bytes_delivered`;
    const hosts = sql`SELECT if(local_instance = '', toString(local_ip), local_instance) AS host,
  groupBitOr(${monitorMask(window)}) AS bits, max(${isNow}) AS is_now, sumIf(flows_cut, ${isNow}) AS cut, countIf(flows_cut = 0 AND ${isNow}) AS reported, sumIf(${bytes}, flows_cut > 0 AND ${isNow}) AS bytes_cut, sumIf(${bytes}, ${isNow}) AS bytes_all
FROM flows WHERE ${since} GROUP BY host`;
    const rows = await this.#store.query<Record<string, string>>(
      sql`SELECT arrayJoin(bitPositionsToArray(bits)) AS monitor, sum(is_now) AS now, count() AS lately, sum(cut) AS cut_flows, sum(reported) AS reported_flows, sum(bytes_cut) AS cut_bytes, sum(bytes_all) AS all_bytes FROM (${hosts}) GROUP BY monitor`,
    );
    const share = (part: unknown, whole: number) => (whole > 0 ? Number(part) / whole : undefined);
    return window.monitors.map((_, i) => {
      const row = rows.find(({ monitor }) => Number(monitor) === i);
      if (row === undefined) return {};
      return {
        hosts: share(row.now, Number(row.lately)),
        flowsCut: share(row.cut_flows, Number(row.cut_flows) + Number(row.reported_flows)),
        bytesCut: share(row.cut_bytes, Number(row.all_bytes)),
      };
    });
  }

  /** The hosts that reported allowance counters, by whether one rose in the window. */
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
      sql`SELECT concat('host:', instance) AS host, ${exceeded} AS exceeded FROM ${name(HOST_STATS.name)} WHERE ${ofOwner(owner)} AND ${selectionFilter({ startSeconds, endSeconds })} GROUP BY instance HAVING ${known} ORDER BY host`,
    );
    const of = (is: boolean) =>
      rows.filter((row) => Boolean(row.exceeded) === is).map(({ host }) => host);
    return { exceeded: of(true), within: of(false) };
  }
}

function cellSums(row: StoredGroup | undefined): CellSums {
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
