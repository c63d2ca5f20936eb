import { canonicalAddress } from '../model/address.ts';
import type { DESTINATION_CATEGORIES } from '../model/category.ts';
import { FLOW_COLUMNS } from '../model/columns.ts';
import { NO_ADDRESS } from '../model/enriched-flow.ts';
import {
  isOptionalTiming,
  LEVEL_METRICS,
  TIMING_METRICS,
  VALUE_NAMES,
} from '../model/flow-metrics.ts';
import type { Owner } from '../model/owner.ts';
import { ownerFilter, selectionFilter } from '../store/flow-filter.ts';
import { joinSql, name, param, type SqlFragment, sql } from '../store/sql.ts';
import type { Asker, FlowReader } from './queries.ts';

/** Selects flows of one account and Region for the flow explorer. */
export interface ExplorerRequest {
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Limit of flows, 1 to 1,000. */
  readonly limit: number;
  readonly localIp?: string | undefined;
  readonly remoteIp?: string | undefined;
  readonly servicePort?: number | undefined;
  readonly category?: (typeof DESTINATION_CATEGORIES)[number] | undefined;
}

/** A flow over the time range: dimensions as text or port, counts and sums as 64-bit integers. */
export type ExploredFlow = Readonly<Record<string, string | number | bigint>>;

/** A row of the query; null when the value is unknown in every row of the range. */
type StoredFlow = Readonly<Record<string, string | number | null>>;

const OPTIONAL_TIMINGS = TIMING_METRICS.filter(isOptionalTiming);

const ADDRESSES: ReadonlySet<string> = new Set(
  FLOW_COLUMNS.filter(({ type }) => type === 'IPv6').map((column) => column.name),
);

/** Properties that do not identify a flow; the latest known value counts. */
const DESCRIPTIONS = ['local_process', 'local_cgroup'] as const;

const DIMENSIONS = FLOW_COLUMNS.map((column) => column.name).filter(
  (column) =>
    column !== 'time' &&
    column !== 'flows_cut' &&
    !VALUE_NAMES.includes(column) &&
    !DESCRIPTIONS.some((description) => description === column),
);

/** Sockets open at the end of a window; the latest value counts instead of the sum. */
const LEVELS: ReadonlySet<string> = new Set(LEVEL_METRICS);

/** Returns flows with the most bytes first. */
export async function exploreFlows(
  store: FlowReader,
  { owner, signal }: Asker,
  request: ExplorerRequest,
): Promise<ExploredFlow[]> {
  const options = { lane: owner.account, signal };
  const rows = await store.query<StoredFlow>(explorerPlan(owner, request), options);
  return rows.map(exploredFlow);
}

export function explorerPlan(owner: Owner, request: ExplorerRequest): SqlFragment {
  const dimensions = joinSql(DIMENSIONS.map(name), ', ');
  const values = joinSql([...DESCRIPTIONS.map(latest), ...VALUE_NAMES.map(aggregate)], ', ');
  return sql`SELECT ${dimensions}, ${values} FROM flows WHERE ${where(owner, request)} GROUP BY ${dimensions} ORDER BY sum(flows.bytes_received + flows.bytes_delivered) DESC, ${dimensions} LIMIT ${param('UInt32', request.limit)}`;
}

function where(owner: Owner, request: ExplorerRequest): SqlFragment {
  const { startSeconds, endSeconds, localIp, remoteIp, servicePort, category } = request;
  const conditions = [
    ownerFilter(owner),
    selectionFilter({ startSeconds, endSeconds }),
    sql`flows_cut = 0`,
  ];
  if (localIp !== undefined) conditions.push(sql`local_ip = toIPv6(${param('String', localIp)})`);
  if (remoteIp !== undefined)
    conditions.push(sql`remote_ip = toIPv6(${param('String', remoteIp)})`);
  if (servicePort !== undefined) {
    conditions.push(sql`service_port = ${param('UInt16', servicePort)}`);
  }
  if (category !== undefined) conditions.push(sql`category = ${param('String', category)}`);
  return joinSql(conditions, ' AND ');
}

function latest(column: string): SqlFragment {
  const of = sql`flows.${name(column)}`;
  return sql`argMaxIf(${of}, flows.time, ${of} != '') AS ${name(column)}`;
}

function aggregate(column: string): SqlFragment {
  const of = sql`flows.${name(column)}`;
  const as = name(column);
  if (LEVELS.has(column)) return sql`toUInt64(argMax(${of}, flows.time)) AS ${as}`;
  const timing = TIMING_METRICS.find((metric) => column.startsWith(`${metric}_`));
  if (timing === undefined) return sql`sum(toUInt64(${of})) AS ${as}`;
  const has = sql`flows.${name(`${timing}_count`)} > 0`;
  if (column.endsWith('_min')) return sql`toUInt64(minIf(${of}, ${has})) AS ${as}`;
  if (column.endsWith('_max')) return sql`toUInt64(maxIf(${of}, ${has})) AS ${as}`;
  return sql`sum(toUInt64(${of})) AS ${as}`;
}

/** Renames columns to API members (`local_ip` → `localIp`), and leaves out unknown values. */
function exploredFlow(row: StoredFlow): ExploredFlow {
  const flow: Record<string, string | number | bigint> = {};
  for (const [column, value] of Object.entries(row)) {
    if (value === null || value === '' || value === NO_ADDRESS) continue;
    if (isUnknownTiming(column, row)) continue;
    flow[memberOf(column)] = memberValue(column, value);
  }
  return flow;
}

/** An optional timing without samples is unknown: all reports left it out. */
function isUnknownTiming(column: string, row: StoredFlow): boolean {
  const timing = OPTIONAL_TIMINGS.find((metric) => column.startsWith(`${metric}_`));
  return timing !== undefined && BigInt(row[`${timing}_count`] ?? 0) === 0n;
}

function memberOf(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function memberValue(column: string, value: string | number): string | number | bigint {
  if (VALUE_NAMES.includes(column)) return BigInt(value);
  return ADDRESSES.has(column) ? (canonicalAddress(String(value)) ?? value) : value;
}
