import { AuditLog } from '../../control/audit-log.ts';
import { Monitors } from '../../control/monitors.ts';
import { ScopeWorker } from '../../control/scope-worker.ts';
import { Scopes } from '../../control/scopes.ts';
import { systemClock } from '../../lib/clock.ts';
import { Queries } from '../../query/queries.ts';
import { QueryTable } from '../../query/query-table.ts';
import type { FlowStore } from '../../store/flow-store.ts';
import type { Basics } from './basics.ts';
import type { ControlPlane, TopologyParts } from './server-parts.ts';

export interface ControlPlaneParts {
  readonly store: FlowStore;
  readonly topology: TopologyParts;
  readonly newId: () => string;
}

/** Composes scopes, monitors, queries and the audit log. Reports do not depend on any of them. */
export function composeControlPlane(basics: Basics, parts: ControlPlaneParts): ControlPlane {
  const { config, database, organization, log, metrics } = basics;
  const { store, topology, newId } = parts;
  const clock = systemClock;
  const { buildTopology } = topology;
  const worker = new ScopeWorker({ database, clock, log, buildTopology });
  const wake = () => worker.wake();
  const scopes = new Scopes({ database, clock, newId, organization, wake });
  const monitors = new Monitors({ database, clock, wake });
  const queries = new Queries({
    table: new QueryTable(database),
    store,
    scopeOf: (owner, scopeId) => scopes.get(owner, scopeId),
    monitorOf: (owner, monitorName) => monitors.get(owner, monitorName),
    paths: () => topology.topology.snapshot(),
    newQueryId: newId,
    clock,
    log,
    metrics,
    options: {
      concurrency: config.queryConcurrency,
      maxUnfinished: config.queriesPerAccount,
    },
  });
  const maxEvents = config.auditMaxEvents;
  const audit = new AuditLog({ database, log, metrics, maxEvents });
  return { scopes, monitors, queries, audit, services: [worker, queries, audit] };
}
