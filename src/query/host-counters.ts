import { ALLOWANCE_LEFT, HOST_COUNTERS } from '../model/host-stats.ts';
import { ownerFilter, selectionFilter } from '../store/flow-filter.ts';
import { joinSql, name, param, sql } from '../store/sql.ts';
import type { Asker, FlowReader } from './queries.ts';

export interface HostCountersRequest {
  readonly startSeconds: number;
  /** The range excludes this second. */
  readonly endSeconds: number;
  /** Limit of network cards, 1 to 1,000. */
  readonly limit: number;
}

/** The counters of a host's network cards over a time range; unknown ones are absent. */
export interface CountedHost {
  readonly instanceId: string;
  readonly interfaces: readonly {
    readonly interfaceId: string;
    readonly counters: Readonly<Record<string, bigint>>;
  }[];
}

type StoredCounters = Readonly<Record<string, string | null>>;

/** Returns hosts by id. Counters are sums over the range; a remaining allowance is its minimum. */
export async function hostCounters(
  store: FlowReader,
  { owner, signal }: Asker,
  { startSeconds, endSeconds, limit }: HostCountersRequest,
): Promise<CountedHost[]> {
  const counters = HOST_COUNTERS.map((counter) => {
    const of = name(counter);
    const total = counter === ALLOWANCE_LEFT ? sql`min(${of})` : sql`sum(${of})`;
    return sql`${total} AS ${name(`all_${counter}`)}`;
  });
  const rows = await store.query<StoredCounters>(
    sql`SELECT instance, interface, ${joinSql(counters, ', ')} FROM host_stats WHERE ${ownerFilter(owner)} AND ${selectionFilter({ startSeconds, endSeconds })} GROUP BY instance, interface ORDER BY instance, interface LIMIT ${param('UInt32', limit)}`,
    { lane: owner.account, signal },
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
