import { constructsOfPath, groupsOfInstance } from '../../health/constructs/flow-constructs.ts';
import { HealthService } from '../../health/health-service.ts';
import { PARAMETERS } from '../../health/parameters.ts';
import { HealthTables } from '../../health/storage/health-tables.ts';
import { systemClock } from '../../lib/clock.ts';
import { SECONDS_A_DAY } from '../../lib/durations.ts';
import type { Basics } from './basics.ts';
import type { ControlPlane, DataPlane, Health, TopologyParts } from './server-parts.ts';

export interface HealthParts {
  readonly data: DataPlane;
  readonly control: ControlPlane;
  readonly topology: TopologyParts;
  readonly newId: () => string;
}

/** Composes the health indicator. Storing flows does not depend on it. */
export function composeHealth(basics: Basics, parts: HealthParts): Health {
  const { data, control, topology, newId } = parts;
  const { config, database, log, metrics } = basics;
  const tables = new HealthTables(database);
  const service = new HealthService({
    store: data.store,
    tables,
    monitors: () => control.monitors.everyActive(),
    constructsOf: constructsOfPath(() => topology.topology.snapshot()),
    groupsOf: groupsOfInstance(() => topology.topology.snapshot()),
    isCaughtUp: data.isCaughtUp,
    hasRoom: data.hasStoreRoom,
    parameters: PARAMETERS,
    clock: systemClock,
    ageClock: basics.ageClock,
    newId,
    log,
    metrics,
    options: {
      windowSeconds: config.healthWindowSeconds,
      retentionSeconds: config.retentionDays * SECONDS_A_DAY,
    },
  });
  return { tables, service, services: [service] };
}
