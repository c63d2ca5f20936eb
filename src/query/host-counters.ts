import { ALLOWANCE_LEFT, HOST_COUNTERS } from '../model/host-stats.ts';
import type { Owner } from '../model/owner.ts';
import { selectionFilter } from '../store/flow-filter.ts';
import { joinSql, name, param, sql } from '../store/sql.ts';
import type { FlowReader } from './queries.ts';

export interface HostCountersRequest {
  readonly startSeconds: number;
  /** Half-open. */
  readonly endSeconds: number;
  /** 1 to 1,000. */
  readonly limit: number;
}

/** What the network cards of a host counted over a time; counters that nobody told are absent. */
export interface CountedHost {
  readonly instanceId: string;
  readonly interfaces: readonly {
    readonly interfaceId: string;
    readonly counters: Readonly<Record<string, bigint>>;
  }[];
}

type StoredCounters = Readonly<Record<string, string | null>>;

/** Hosts by id. Counts are sums of the range; of an allowance that is left, the least there was. */
export async function hostCounters(
  store: FlowReader,
  owner: Owner,
  { startSeconds, endSeconds, limit }: HostCountersRequest,
): Promise<CountedHost[]> {
  const counters = HOST_COUNTERS.map((counter) => {
    const of = name(counter);
    const total = counter === ALLOWANCE_LEFT ? sql`min(${of})` : sql`sum(${of})`;
    return sql`${total} AS ${name(`all_${counter}`)}`;
  });
  const rows = await store.query<StoredCounters>(
    sql`SELECT instance, interface, ${joinSql(counters, ', ')} FROM host_stats WHERE account = ${param('String', owner.account)} AND region = ${param('String', owner.region)} AND ${selectionFilter({ startSeconds, endSeconds })} GROUP BY instance, interface ORDER BY instance, interface LIMIT ${param('UInt32', limit)}`,
  );
  const hosts = new Map<string, CountedHost['interfaces'][number][]>();
  for (const row of rows) {
    const instanceId = row.instance ?? '';
    const interfaces = hosts.get(instanceId) ?? [];
    hosts.set(instanceId, interfaces);
    interfaces.push({ interfaceId: row.interface ?? '', counters: knownCounters(row) });
  }
  return [...hosts].map(([instanceId, interfaces]) => ({ instanceId, interfaces }));
}

function knownCounters(row: StoredCounters): Record<string, bigint> {
  return Object.fromEntries(
    HOST_COUNTERS.flatMap((counter) => {
      const value = row[`all_${counter}`];
      return value == null ? [] : [[counter, BigInt(value)]];
    }),
  );
}
