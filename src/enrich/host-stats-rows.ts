import { HOST_COUNTERS, type HostStatsRow } from '../model/host-stats.ts';
import type { InterfaceStats } from '../model/report.ts';
import type { ReportingHost } from './reporting-host.ts';

export interface HostStatsInput {
  readonly host: ReportingHost;
  readonly timeSeconds: number;
  readonly hostStats: readonly InterfaceStats[];
}

/** One row per network card; none for a host without an id. */
export function hostStatsRows({ host, timeSeconds, hostStats }: HostStatsInput): HostStatsRow[] {
  const { owner, instanceId } = host;
  if (instanceId === '') return [];
  return hostStats.map(({ interfaceId, values }) => ({
    timeSeconds,
    owner,
    instanceId,
    interfaceId,
    counters: Object.fromEntries(HOST_COUNTERS.map((counter) => [counter, values[counter]])),
  }));
}
